#include "collector/http/connection_stream.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace trapline::collector {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kReceiveBytes = std::size_t{16} << 10;
/// Over the lines of chunked framing; heads are bounded by read_head().
constexpr std::size_t kMaxFramingLine = 1024;

/// Rounded up, so that a wait does not end just before its deadline and spin.
int milliseconds_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 3'600'000));
}

void address_of(int fd, bool remote, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);  // the socket interface's own way of passing addresses
  const int status = remote ? getpeername(fd, generic, &size) : getsockname(fd, generic, &size);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> service{};
  if (status != 0 || getnameinfo(generic, size, host.data(), host.size(), service.data(), service.size(),
                                 NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    ip.clear();
    port = 0;
    return;
  }
  ip = host.data();
  port = std::atoi(service.data());
}

}  // namespace

ConnectionStream::ConnectionStream(int socket_fd, int stop_fd, StreamTimes times)
    : socket_fd_(socket_fd), stop_fd_(stop_fd), times_(times) {}

bool ConnectionStream::wait_for_request(WakeSignal& wanted) {
  if (!unread().empty()) return true;
  std::array<pollfd, 3> watched = {pollfd{socket_fd_, POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0},
                                   pollfd{wanted.fd(), POLLIN, 0}};
  const auto deadline = steady_clock::now() + times_.idle;
  for (;;) {
    const int ready = poll(watched.data(), watched.size(), milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || watched[1].revents != 0) return false;
    if (watched[0].revents != 0) return true;
    if (wanted.take_one()) return false;
  }
}

std::variant<std::string, HeadProblem, ConnectionStream::Gone> ConnectionStream::read_head() {
  const auto deadline = steady_clock::now() + times_.head;
  for (;;) {
    buffer_.erase(0, read_until_);
    // Empty lines before a request are to be skipped (RFC 9112, 2.2).
    buffer_.erase(0, std::min(buffer_.find_first_not_of("\r\n"), buffer_.size()));
    read_until_ = 0;
    constexpr std::string_view kEnd = "\n\r\n";
    const std::size_t end = buffer_.find(kEnd);
    if (end != std::string::npos && end + kEnd.size() <= kMaxHeadBytes) {
      read_until_ = end + kEnd.size();
      return buffer_.substr(0, read_until_);
    }
    if (buffer_.size() > kMaxHeadBytes) {
      const bool is_first_line = buffer_.find('\n') == std::string::npos;
      return HeadProblem{is_first_line ? 414 : 431, "head_too_long",
                         "the request's head is over " + std::to_string(kMaxHeadBytes) + " bytes long"};
    }
    if (!fill_buffer(deadline)) return Gone{};
  }
}

void ConnectionStream::put_in_front(std::string bytes) {
  front_ = std::move(bytes);
  body_start_ = steady_clock::now();
  body_bytes_ = 0;
  line_bytes_ = 0;
}

bool ConnectionStream::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes.data(), bytes.size());
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void ConnectionStream::finish() {
  constexpr milliseconds kPatience{2'000};
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  shutdown(socket_fd_, SHUT_WR);
  const auto deadline = steady_clock::now() + kPatience;
  std::array<char, kReceiveBytes> ignored;
  for (std::size_t bytes = 0; bytes < kMostBytes;) {
    const ssize_t received = receive(ignored.data(), ignored.size(), deadline);
    if (received <= 0) return;
    bytes += static_cast<std::size_t>(received);
  }
}

bool ConnectionStream::is_readable() const { return true; }

bool ConnectionStream::is_writable() const { return true; }

ssize_t ConnectionStream::read(char* target, size_t size) {
  if (!front_.empty()) {
    const std::size_t count = std::min(size, front_.size());
    front_.copy(target, count);
    front_.erase(0, count);
    return static_cast<ssize_t>(count);
  }
  const auto earned = std::chrono::seconds(body_bytes_ / times_.body_bytes_per_second);
  if (unread().empty() && !fill_buffer(body_start_ + times_.body + earned)) return -1;
  const std::string_view piece = unread().substr(0, size);
  if (!keeps_lines_short(piece)) return -1;
  const std::size_t count = piece.copy(target, size);
  read_until_ += count;
  body_bytes_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t ConnectionStream::write(const char* bytes, size_t size) {
  const auto deadline = steady_clock::now() + times_.write;
  for (;;) {
    const ssize_t sent = send(socket_fd_, bytes, size, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!wait(POLLOUT, deadline)) return -1;
  }
}

void ConnectionStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  address_of(socket_fd_, /*remote=*/true, ip, port);
}

void ConnectionStream::get_local_ip_and_port(std::string& ip, int& port) const {
  address_of(socket_fd_, /*remote=*/false, ip, port);
}

bool ConnectionStream::wait(short events, TimePoint deadline) {
  for (;;) {
    const auto until = stopping_ ? std::min(deadline, stop_deadline_) : deadline;
    std::array<pollfd, 2> watched = {pollfd{socket_fd_, events, 0}, pollfd{stopping_ ? -1 : stop_fd_, POLLIN, 0}};
    const int ready = poll(watched.data(), watched.size(), milliseconds_until(until));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    if (watched[1].revents != 0) {
      stopping_ = true;
      stop_deadline_ = steady_clock::now() + times_.after_stop;
    }
    if (watched[0].revents != 0) return true;
  }
}

/// Bytes received, 0 at the end of the stream, -1 on an error or when time is up.
ssize_t ConnectionStream::receive(char* target, std::size_t size, TimePoint deadline) {
  for (;;) {
    // Asked first, so that a sender of one byte at a time does not outlive the deadline.
    if (steady_clock::now() >= deadline) return -1;
    const ssize_t received = recv(socket_fd_, target, size, 0);
    if (received >= 0) return received;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -1;
    if (!wait(POLLIN, deadline)) return -1;
  }
}

bool ConnectionStream::fill_buffer(TimePoint deadline) {
  std::array<char, kReceiveBytes> bytes;
  const ssize_t received = receive(bytes.data(), bytes.size(), deadline);
  if (received <= 0) return false;
  buffer_.erase(0, read_until_);
  read_until_ = 0;
  buffer_.append(bytes.data(), static_cast<std::size_t>(received));
  return true;
}

/// The library reads the lines of chunked framing byte by byte and keeps them whole, however long: a run of single
/// bytes without a newline is such a line.
bool ConnectionStream::keeps_lines_short(std::string_view piece) {
  line_bytes_ = piece.size() == 1 && piece.front() != '\n' ? line_bytes_ + 1 : 0;
  return line_bytes_ <= kMaxFramingLine;
}

}  // namespace trapline::collector
