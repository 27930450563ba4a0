#include "collector/http/listener.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <system_error>

#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trapline::collector {

using core::Error;
using core::Result;

namespace {

/// The system's default maximum; with the library's 5, clients that connect at once wait for seconds.
constexpr int kBacklog = 1024;

std::string system_message(int error_number) { return std::generic_category().message(error_number); }

Error cannot_listen(const ListenAddress& address, int error_number) {
  std::string message = "cannot listen on " + address.to_string() + ": " + system_message(error_number);
  if (error_number == EADDRINUSE) message += "; another program uses this port, choose one with --listen HOST:PORT";
  if (error_number == EACCES) message += "; ports below 1024 need special rights";
  return Error{"cannot_listen", message};
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);  // the socket interface's own way of passing addresses
  std::array<char, NI_MAXSERV> service{};
  std::uint16_t port = 0;
  if (getsockname(fd, generic, &size) != 0 ||
      getnameinfo(generic, size, nullptr, 0, service.data(), service.size(), NI_NUMERICSERV) != 0) {
    return 0;
  }
  const std::string_view text(service.data());
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

/// A listening socket, or the negative error number.
int open_socket(const addrinfo& candidate) {
  const int fd =
      socket(candidate.ai_family, candidate.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, candidate.ai_protocol);
  if (fd < 0) return -errno;
  // REUSEADDR lets a restart bind at once; without REUSEPORT two servers cannot share the port.
  const int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (bind(fd, candidate.ai_addr, candidate.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0) return fd;
  const int problem = errno;
  close(fd);
  return -problem;
}

}  // namespace

std::string ListenAddress::to_string() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error invalid{"invalid_listen_address", "'" + std::string(text) +
                                                    "' is not an address to listen on; write HOST:PORT, as in "
                                                    "127.0.0.1:8790, 0.0.0.0:8790 or [::1]:8790"};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return invalid;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  const bool is_bracketed = host.starts_with('[') && host.ends_with(']');
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!is_bracketed && host.find(':') != std::string_view::npos)) return invalid;

  std::uint16_t port = 0;
  const auto [stop, problem] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (port_text.empty() || problem != std::errc() || stop != port_text.data() + port_text.size()) return invalid;
  return ListenAddress{std::string(host), port};
}

Result<Listener> Listener::open(const ListenAddress& address) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const int status = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (status != 0) {
    return Error{"cannot_listen", "cannot listen on " + address.to_string() + ": " + gai_strerror(status)};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> candidates(found, freeaddrinfo);

  int problem = 0;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    const int fd = open_socket(*candidate);
    if (fd >= 0) return Listener(fd, ListenAddress{address.host, bound_port(fd)});
    problem = -fd;
  }
  return cannot_listen(address, problem);
}

Listener::~Listener() {
  if (fd_ >= 0) close(fd_);
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), address_(std::move(other.address_)) {}

int Listener::accept(const WakeSignal& stop) {
  constexpr int kOutOfResourcesPauseMs = 50;
  std::array<pollfd, 2> watched = {pollfd{stop.fd(), POLLIN, 0}, pollfd{fd_, POLLIN, 0}};
  for (;;) {
    if (poll(watched.data(), watched.size(), -1) < 0) continue;  // interrupted by a signal
    if (watched[0].revents != 0) return -1;
    const int client = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
      const int yes = 1;
      setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
      return client;
    }
    // Other errors are those of the one connection (accept(2)): the next one may be fine.
    const bool is_out_of_resources = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (is_out_of_resources) poll(watched.data(), 1, kOutOfResourcesPauseMs);
  }
}

}  // namespace trapline::collector
