#include "sdk/delivery/transport.h"
#include "sdk/delivery/windows/winhttp_transport.h"

namespace trapline::sdk {

std::unique_ptr<Transport> make_transport(const TransportOptions& options) { return make_winhttp_transport(options); }

}  // namespace trapline::sdk
