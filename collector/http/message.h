#pragma once

/// A request and its answer as handlers see them: plain values, without sockets or the library that serves them, so
/// that every route can be tested by calling it.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Header names are the same in upper and lower case.
struct HeaderNameLess {
  using is_transparent = void;
  bool operator()(std::string_view left, std::string_view right) const;
};

using HeaderMap = std::map<std::string, std::string, HeaderNameLess>;

/// The parameters after the `?`, decoded. The first of a name counts.
class QueryParameters {
 public:
  QueryParameters() = default;

  /// From "a=1&b=x%20y"; `+` is a space. Never fails: a broken escape stays as it is.
  static QueryParameters parse(std::string_view query);

  /// The value, or nothing when the parameter is absent.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

struct HttpRequest {
  std::string method;
  std::string path;  ///< as sent, still percent-encoded: "/api/v1/issues/7"
  QueryParameters query;
  HeaderMap headers;  ///< the first of a name
  std::string body;
  std::string remote_address;

  /// The header's value; empty when it is absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type;  ///< empty when there is no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides Content-Type and Content-Length

  void set_header(std::string name, std::string value) { headers.emplace_back(std::move(name), std::move(value)); }
};

/// `text` with its %XX escapes decoded; a broken escape stays as it is. `plus_is_space` is for queries.
std::string decode_percent(std::string_view text, bool plus_is_space = false);

HttpResponse json_response(int status, std::string json);

/// {"error":{"code","message"}} with that status.
HttpResponse error_response(int status, std::string_view code, std::string_view message);

/// The status that fits an error of the rooms below ("not_found" is 404, "busy" is 503, …); 500 for those not known.
HttpResponse error_response(const core::Error& error);

}  // namespace trapline::collector
