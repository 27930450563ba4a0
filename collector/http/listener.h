#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::collector {

/// A listening socket and the port it got.
struct Listener {
  int socket = -1;  ///< the caller closes it
  int port = 0;
};

/// Binds and listens, with room for many clients at once; port 0 picks a free one. The socket does not block. Error:
/// "cannot_listen".
core::Result<Listener> listen_on(const std::string& host, int port);

}  // namespace trapline::collector
