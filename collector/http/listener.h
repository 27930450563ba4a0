#pragma once

/// The listening socket.

#include <cstdint>
#include <string>
#include <string_view>

#include "collector/http/wake_signal.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct ListenAddress {
  std::string host;        ///< name or address, an IPv6 one without brackets
  std::uint16_t port = 0;  ///< 0: any free one

  /// "127.0.0.1:8790", "[::1]:8790".
  [[nodiscard]] std::string to_string() const;
};

/// Reads "HOST:PORT". The error's code is "invalid_listen_address".
core::Result<ListenAddress> parse_listen_address(std::string_view text);

/// For one thread.
class Listener {
 public:
  /// Binds and listens; from then on clients can connect. The error's code is "cannot_listen", its message names the
  /// address and the cause. A second collector on the same port is such an error.
  static core::Result<Listener> open(const ListenAddress& address);

  ~Listener();
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;

  /// Where it listens, with the port that was found for 0.
  [[nodiscard]] const ListenAddress& address() const { return address_; }

  /// Waits for the next client and answers its socket, non-blocking and without Nagle's delay. -1 once `stop` is
  /// signalled. Being out of descriptors or memory is waited out.
  int accept(const WakeSignal& stop);

 private:
  Listener(int fd, ListenAddress address) : fd_(fd), address_(std::move(address)) {}

  int fd_;
  ListenAddress address_;
};

}  // namespace trapline::collector
