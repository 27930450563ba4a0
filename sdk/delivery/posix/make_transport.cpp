#include <cstdlib>

#include "sdk/delivery/curl_transport.h"
#include "sdk/delivery/plain_transport.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {
namespace {

/// Whether the environment names a proxy for plain HTTP, as curl reads it.
bool has_proxy_in_environment() {
  for (const char* name : {"http_proxy", "all_proxy", "ALL_PROXY"}) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): as every HTTP client reads it
    if (value != nullptr && *value != '\0') return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Transport> make_transport(const TransportOptions& options) {
  const bool is_plain = !options.is_secure && options.proxy.empty() && !has_proxy_in_environment();
  return is_plain ? make_plain_transport() : make_curl_transport(options);
}

}  // namespace trapline::sdk
