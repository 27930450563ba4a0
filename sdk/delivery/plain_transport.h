#pragma once

#include <memory>

#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// HTTP/1.1 (RFC 9112) over TCP, one connection kept alive, no redirects: for a collector or a relay nearby. libcurl
/// would do it too, and take 6 MB of memory and 4 ms in every process. 5 seconds to connect, 30 in all.
std::unique_ptr<Transport> make_plain_transport();

}  // namespace trapline::sdk
