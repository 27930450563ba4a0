#include "collector/http/connections.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trapline::collector {
namespace {

std::string address_text(const sockaddr_storage& address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, text.data(), text.size(), nullptr, 0,
                  NI_NUMERICHOST) != 0) {
    return {};
  }
  return text.data();
}

/// In which order connections make room for another; nothing: this one is busy.
std::optional<int> rank_to_go(const Connection& connection) {
  if (connection.phase == Phase::kDraining) return 2;  // it has its last answer
  if (connection.phase != Phase::kReading) return std::nullopt;
  if (!connection.parser.is_begun()) return 0;
  // An honest client's head comes in one piece. Who is at it while all others are needed may be slow on purpose.
  if (connection.parser.state() == RequestParser::State::kHead) return 1;
  return std::nullopt;
}

}  // namespace

Connections::Connections(Limits limits) : limits_(limits), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

Connections::~Connections() {
  for (const auto& [socket, connection] : connections_) close(socket);
  close(epoll_);
}

void Connections::watch(int operation, int socket, std::uint32_t wanted) const {
  epoll_event event{};
  event.events = wanted;
  event.data.fd = socket;
  epoll_ctl(epoll_, operation, socket, &event);
}

Connections::Newcomer Connections::admit(int socket, std::string peer, bool counts_for_ip) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // else an answer waits for the client's ACK: 40 ms
  auto connection = std::make_shared<Connection>();
  connection->socket = socket;
  connection->counts_for_ip = counts_for_ip;
  connection->peer = std::move(peer);
  connection->deadline = Clock::now() + limits_.idle_deadline;
  bool is_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (counts_for_ip && per_ip_[connection->peer] >= limits_.max_per_ip) {
      return {std::move(connection), Admission::kTooManyOfAddress};
    }
    if (counts_for_ip) ++per_ip_[connection->peer];
    connections_.emplace(socket, connection);
    is_full = connections_.size() > limits_.max_connections;
  }
  const bool has_room = !is_full || make_room(connection.get());
  return {std::move(connection), has_room ? Admission::kTaken : Admission::kFull};
}

void Connections::begin(const Connection& connection) const {
  watch(EPOLL_CTL_ADD, connection.socket, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT);
}

bool Connections::make_room(const Connection* newest) {
  Shared chosen;
  int least_rank = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [socket, connection] : connections_) {
      const auto rank = rank_to_go(*connection);
      if (!rank || connection.get() == newest) continue;
      const bool goes_first =
          !chosen || std::pair(*rank, connection->deadline) < std::pair(least_rank, chosen->deadline);
      if (!goes_first) continue;
      chosen = connection;
      least_rank = *rank;
    }
  }
  if (chosen) drop(chosen);
  return chosen != nullptr;
}

std::size_t Connections::surplus() const {
  const std::lock_guard lock(mutex_);
  return connections_.size() - std::min(connections_.size(), limits_.max_connections);
}

void Connections::drop(const Shared& connection) {
  const std::lock_guard lock(mutex_);
  if (connections_.erase(connection->socket) == 0) return;
  buffered_ -= connection->buffered;
  connection->buffered = 0;
  if (connection->is_stream) --streams_;
  if (connection->counts_for_ip) {
    const auto found = per_ip_.find(connection->peer);
    if (found != per_ip_.end() && --found->second == 0) per_ip_.erase(found);
  }
  close(connection->socket);
}

Connections::Shared Connections::find(int socket) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(socket);
  return found != connections_.end() ? found->second : nullptr;
}

Connections::Shared Connections::find_stream(int socket) {
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(socket);
  if (found == connections_.end() || found->second->phase != Phase::kStreaming) return nullptr;
  return found->second;
}

void Connections::give_to_loop(const Shared& connection, Phase phase, Clock::duration within) {
  const std::lock_guard lock(mutex_);
  if (!connections_.contains(connection->socket)) return;
  connection->phase = phase;
  connection->deadline = Clock::now() + within;
  watch_on(*connection);
}

void Connections::rearm(const Connection& connection) {
  const std::lock_guard lock(mutex_);
  watch_on(connection);
}

void Connections::watch_on(const Connection& connection) const {
  const bool reads = connection.phase != Phase::kWriting;
  const bool writes = connection.phase == Phase::kWriting ||
                      (connection.phase == Phase::kStreaming && connection.written < connection.output.size());
  const std::uint32_t wanted = (reads ? EPOLLIN | EPOLLRDHUP : 0U) | (writes ? EPOLLOUT : 0U);
  watch(EPOLL_CTL_MOD, connection.socket, wanted | EPOLLONESHOT);
}

void Connections::take_in_hand(Connection& connection) {
  const std::lock_guard lock(mutex_);
  connection.phase = Phase::kWorking;
}

void Connections::set_deadline(Connection& connection, Clock::duration within) {
  const std::lock_guard lock(mutex_);
  connection.deadline = Clock::now() + within;
}

bool Connections::claim_stream(Connection& connection) {
  const std::lock_guard lock(mutex_);
  if (streams_ >= limits_.max_streams) return false;
  connection.is_stream = true;
  ++streams_;
  return true;
}

std::vector<Connections::Shared> Connections::in_phase(Phase phase) const {
  std::vector<Shared> found;
  const std::lock_guard lock(mutex_);
  for (const auto& [socket, connection] : connections_) {
    if (connection->phase == phase) found.push_back(connection);
  }
  return found;
}

std::vector<Connections::Shared> Connections::late(Clock::time_point now) const {
  std::vector<Shared> late;
  const std::lock_guard lock(mutex_);
  for (const auto& [socket, connection] : connections_) {
    if (connection->phase != Phase::kWorking && connection->deadline <= now) late.push_back(connection);
  }
  return late;
}

bool Connections::has_room_for(Connection& connection, std::size_t body_bytes) {
  const std::lock_guard lock(mutex_);
  buffered_ += body_bytes - connection.buffered;
  connection.buffered = body_bytes;
  return body_bytes <= limits_.small_body || buffered_ <= limits_.max_buffered_bytes;
}

void Connections::forget_body(Connection& connection) {
  const std::lock_guard lock(mutex_);
  buffered_ -= connection.buffered;
  connection.buffered = 0;
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

std::size_t Connections::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

Doorkeeper::Doorkeeper() : spare_(open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

Doorkeeper::~Doorkeeper() { close(spare_); }

Doorkeeper::Visitor Doorkeeper::next(int listener, Connections& connections) {
  constexpr int kMostTries = 16;
  for (int number = 0; number < kMostTries; ++number) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const int socket = accept4(listener, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) return {socket, address_text(address, size)};
    const bool is_out_of_descriptors = errno == EMFILE || errno == ENFILE;
    if (!is_out_of_descriptors && errno != ECONNABORTED && errno != EINTR) return {};
    if (is_out_of_descriptors && !connections.make_room()) hang_up_one(listener);
  }
  return {};
}

void Doorkeeper::hang_up_one(int listener) {
  close(spare_);
  const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (socket >= 0) close(socket);
  spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

}  // namespace trapline::collector
