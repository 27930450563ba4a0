#pragma once

#include <memory>

#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// HTTP and HTTPS by libcurl, which is loaded at the first request: one connection kept alive (HTTP/2 where the server
/// speaks it), certificates verified, proxies as asked or taken from the environment, redirects not followed (an event
/// must not end up elsewhere). 5 seconds to connect, 30 in all.
std::unique_ptr<Transport> make_curl_transport(const TransportOptions& options);

}  // namespace trapline::sdk
