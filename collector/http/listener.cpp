#include "collector/http/listener.h"

#include <cerrno>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trapline::collector {
namespace {

constexpr int kBacklog = 1024;

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

core::Result<Listener> listen_on(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::string reason;
  if (const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); failed != 0) {
    reason = gai_strerror(failed);
  }
  Listener listener;
  for (const addrinfo* one = found; one != nullptr && listener.socket < 0; one = one->ai_next) {
    const int file = ::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol);
    if (file < 0) continue;
    const int yes = 1;
    // Not SO_REUSEPORT, with which a second collector on the port would take half of the requests.
    setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(file, one->ai_addr, one->ai_addrlen) == 0 && listen(file, kBacklog) == 0) {
      listener = {file, port_of(file)};
    } else {
      reason = std::error_code(errno, std::generic_category()).message();
      close(file);
    }
  }
  if (found != nullptr) freeaddrinfo(found);
  if (listener.socket >= 0) return listener;
  return core::Error{"cannot_listen", "cannot listen on " + host + ":" + std::to_string(port) + " (" + reason +
                                          "): is another program using the port? choose one with --listen HOST:PORT"};
}

}  // namespace trapline::collector
