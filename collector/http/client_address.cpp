#include "collector/http/client_address.h"

#include <algorithm>

namespace trapline::collector {

bool is_trusted_proxy(std::string_view address, const std::vector<AddressRange>& trusted_proxies) {
  const auto parsed = parse_address(address);
  return parsed && std::any_of(trusted_proxies.begin(), trusted_proxies.end(),
                               [&](const AddressRange& range) { return range.contains(*parsed); });
}

std::string client_address(const std::string& peer, std::string_view forwarded_for,
                           const std::vector<AddressRange>& trusted_proxies) {
  std::string client = peer;
  while (is_trusted_proxy(client, trusted_proxies) && !forwarded_for.empty()) {
    const std::size_t comma = forwarded_for.rfind(',');
    std::string_view last = comma == std::string_view::npos ? forwarded_for : forwarded_for.substr(comma + 1);
    last.remove_prefix(std::min(last.find_first_not_of(' '), last.size()));
    last = last.substr(0, last.find_last_not_of(' ') + 1);
    if (!parse_address(last)) break;
    client = last;
    forwarded_for = comma == std::string_view::npos ? std::string_view{} : forwarded_for.substr(0, comma);
  }
  return client;
}

}  // namespace trapline::collector
