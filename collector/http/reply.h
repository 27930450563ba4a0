#pragma once

/// A request and its answer, without the HTTP library: what routes are written against.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sdk/core/result.h"

namespace trapline::collector {

class BodySource;
class EventStream;

/// Views are borrowed for the call.
struct HttpRequest {
  std::string_view method;
  std::string_view path;                          ///< decoded, without its query
  std::vector<std::string> path_params;           ///< what stood at the route's {…}, in order
  std::multimap<std::string, std::string> query;  ///< decoded
  std::map<std::string, std::string> headers;     ///< names in lower case, as in RequestHead
  std::string_view body;
  std::string_view peer;  ///< the address at the connection's other end

  /// Empty when there is none.
  [[nodiscard]] std::string_view header(const std::string& lower_case_name) const;
  [[nodiscard]] std::string_view query_value(const std::string& name) const;
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<BodySource> rest;     ///< goes on behind the body; shared as replies are copied
  std::shared_ptr<EventStream> stream;  ///< instead of a body; shared with those who have news for it
};

/// JSON, with text that is not UTF-8 mended.
HttpReply json_reply(const nlohmann::json& body, int status = 200);

/// `{"error": {"code", "message"}}`
HttpReply error_reply(int status, std::string_view code, std::string_view message);

/// The same with the status that belongs to the code; 500 for codes that no caller can mend.
HttpReply error_reply(const core::Error& error);

}  // namespace trapline::collector
