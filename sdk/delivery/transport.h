#pragma once

#include <functional>
#include <string>
#include <vector>

namespace trapline::sdk {

struct HttpAnswer {
  int status = 0;           ///< 0: no answer came
  std::string body;         ///< at most 1 MiB of it
  std::string retry_after;  ///< the header, as sent
  std::string error;        ///< why no answer came
};

/// The way to the collector. Used by one thread at a time.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends a POST and waits for its answer. Gives up when `should_abort`, asked several times a second, says so.
  /// `headers` are "Name: value".
  virtual HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                          const std::function<bool()>& should_abort) = 0;
};

}  // namespace trapline::sdk
