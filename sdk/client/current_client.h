#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "sdk/client/client.h"

namespace trapline::sdk {

/// The process's client, which the C interface's functions work on, for one short call: capturing, changing a scope.
/// Whoever holds one of these keeps the client from being stopped, so it must be let go of soon. In the child of a fork
/// the first call makes a client for it, with the parent's options and scope.
class ClientInUse {
 public:
  ClientInUse();
  ~ClientInUse();
  ClientInUse(const ClientInUse&) = delete;
  ClientInUse& operator=(const ClientInUse&) = delete;

  [[nodiscard]] Client* get() const { return client_; }

 private:
  std::atomic<std::uint32_t>* users_;
  Client* client_;
};

/// The same for calls that may take long: the client may be stopped meanwhile, but stays.
std::shared_ptr<Client> current_client();

/// One thread at a time starts the SDK: what a client installs in the process belongs to one of them.
std::mutex& starting_mutex();

/// Makes it the process's client. False when there is one already.
bool set_current_client(std::shared_ptr<Client> client);

/// Takes it away: waits for the short calls on it to end.
std::shared_ptr<Client> remove_current_client();

}  // namespace trapline::sdk
