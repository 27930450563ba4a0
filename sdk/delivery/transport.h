#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace trapline::sdk {

struct HttpAnswer {
  int status = 0;           ///< 0: no answer came
  std::string body;         ///< at most 1 MiB of it
  std::string retry_after;  ///< the header Retry-After, as sent
  std::string error;        ///< why no answer came
  std::string rate_limits;  ///< the header X-Sentry-Rate-Limits, as sent
};

/// The way to the collector. Used by one thread at a time.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Connects, so that no work is spent on a body that cannot be sent. Nothing, or why it cannot. Transports that
  /// cannot tell answer nothing.
  virtual std::string connect(const std::string& /*url*/, const std::function<bool()>& /*should_abort*/) { return {}; }

  /// Sends a POST and waits for its answer. Gives up when `should_abort`, asked several times a second, says so.
  /// `headers` are "Name: value".
  virtual HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                          const std::function<bool()>& should_abort) = 0;
};

/// Takes the value of a header line ("Name: value"), without blanks around it, when it has that name, which is
/// lower-case here.
bool read_header(std::string_view line, std::string_view name, std::string& value);

struct TransportOptions {
  bool is_secure = false;  ///< https
  std::string host;        ///< for the question whether a proxy is meant for it
  std::string proxy;       ///< http://…, https://…, socks5://…; empty: what the environment says
  std::string ca_file;     ///< certificates to trust, PEM; empty: the system's
};

/// What the system has: where there are POSIX sockets, plain HTTP goes by our own few lines (plain_transport.h) and all
/// else by libcurl (curl_transport.h).
std::unique_ptr<Transport> make_transport(const TransportOptions& options);

}  // namespace trapline::sdk
