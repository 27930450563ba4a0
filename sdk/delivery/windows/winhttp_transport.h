#pragma once

#include <memory>

#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// HTTP and HTTPS by the system's WinHTTP: one connection kept alive, certificates verified against the machine's
/// store, the proxy that was asked for or the machine's own, redirects not followed (an event must not end up
/// elsewhere). 5 seconds to connect, 30 in all. A ca_file cannot be used: such a certificate belongs into the machine's
/// store, and every request is answered with an error that says so.
std::unique_ptr<Transport> make_winhttp_transport(const TransportOptions& options);

}  // namespace trapline::sdk
