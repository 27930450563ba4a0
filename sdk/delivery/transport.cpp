#include "sdk/delivery/transport.h"

#include <algorithm>
#include <cstdlib>

#include "sdk/core/ascii.h"
#include "sdk/delivery/curl_transport.h"
#include "sdk/delivery/plain_transport.h"

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

bool read_header(std::string_view line, std::string_view name, std::string& value) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  const bool is_it = std::equal(name.begin(), name.end(), line.begin(),
                                [](char wanted, char actual) { return wanted == core::to_lower(actual); });
  if (!is_it) return false;
  line.remove_prefix(name.size() + 1);
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  value = line.substr(0, line.find_last_not_of(" \t\r\n") + 1);
  return true;
}

std::unique_ptr<Transport> make_transport(const TransportOptions& options) {
  const bool is_plain = !options.is_secure && options.proxy.empty() && !has_proxy_in_environment();
  return is_plain ? make_plain_transport() : make_curl_transport(options);
}

}  // namespace trapline::sdk
