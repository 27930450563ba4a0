#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/ingest/address.h"

namespace trapline::collector {

bool is_trusted_proxy(std::string_view address, const std::vector<AddressRange>& trusted_proxies);

/// Who a request comes from: the connection's other end, or, when that is a trusted proxy, the last address in its
/// X-Forwarded-For that is none.
std::string client_address(const std::string& peer, std::string_view forwarded_for,
                           const std::vector<AddressRange>& trusted_proxies);

}  // namespace trapline::collector
