#include "sdk/delivery/curl_transport.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// libcurl comes with the system.
std::unique_ptr<Transport> make_transport(const TransportOptions& options) { return make_curl_transport(options); }

}  // namespace trapline::sdk
