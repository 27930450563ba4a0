#pragma once

#include <memory>

#include "sdk/client/client.h"

namespace trapline::sdk {

/// The process's client, which the C interface's functions work on; nullptr when there is none. Whoever holds the
/// pointer keeps the client alive: another thread may shut it down meanwhile.
std::shared_ptr<Client> current_client();

/// Makes it the process's client. False when there is one already.
bool set_current_client(std::shared_ptr<Client> client);

/// Takes it away.
std::shared_ptr<Client> remove_current_client();

}  // namespace trapline::sdk
