#pragma once

#include <memory>

#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// HTTP and HTTPS by libcurl: one connection kept alive, certificates verified, proxies taken from the environment,
/// redirects not followed (an event must not end up elsewhere). 5 seconds to connect, 30 in all.
std::unique_ptr<Transport> make_curl_transport();

}  // namespace trapline::sdk
