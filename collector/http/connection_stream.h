#pragma once

/// One client's socket as the HTTP library reads and writes it, with what the library lacks: a bound on every line, a
/// deadline for every part of a request, and an end of all waiting soon after the server is told to stop.

#include <chrono>
#include <string>
#include <string_view>
#include <variant>

#include <httplib.h>

#include "collector/http/request_head.h"
#include "collector/http/wake_signal.h"

namespace trapline::collector {

struct StreamTimes {
  std::chrono::milliseconds idle{5'000};        ///< for the first byte of a request
  std::chrono::milliseconds head{10'000};       ///< for the rest of its head
  std::chrono::milliseconds body{30'000};       ///< for its body, and longer the more of it has come:
  std::size_t body_bytes_per_second = 8 << 10;  ///< a second more for each so many bytes
  std::chrono::milliseconds write{30'000};      ///< for any progress of the answer
  std::chrono::milliseconds after_stop{2'000};  ///< for everything, once the server stops
};

/// For one thread. Borrows both descriptors: the socket, which must not block, and `stop_fd`, which is readable once
/// the server stops.
class ConnectionStream final : public httplib::Stream {
 public:
  ConnectionStream(int socket_fd, int stop_fd, StreamTimes times);

  /// Waits for the first byte of the next request. False when the client went away, time is up, the server stops, or
  /// one could be taken off `wanted`, which counts those who wait for a place like this connection's.
  bool wait_for_request(WakeSignal& wanted);

  struct Gone {};  ///< the client closed, or was too slow

  /// Reads up to and including the empty line. Bytes that came after it stay for the body.
  std::variant<std::string, HeadProblem, Gone> read_head();

  /// What read() hands out before it goes on with the connection's own bytes: the head in the library's form.
  void put_in_front(std::string bytes);

  /// All that was put in front has been read.
  [[nodiscard]] bool front_is_read() const { return front_.empty(); }

  /// Writes all of it; false when the client does not take it.
  bool write_all(std::string_view bytes);

  /// Tells the client that nothing more comes, and reads on for a moment: closing with unread bytes would reset the
  /// connection and could take our last answer with it.
  void finish();

  // For the library.
  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* target, size_t size) override;
  ssize_t write(const char* bytes, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_fd_; }

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  bool wait(short events, TimePoint deadline);
  ssize_t receive(char* target, std::size_t size, TimePoint deadline);
  bool fill_buffer(TimePoint deadline);
  [[nodiscard]] std::string_view unread() const { return std::string_view(buffer_).substr(read_until_); }
  bool keeps_lines_short(std::string_view piece);

  const int socket_fd_;
  const int stop_fd_;
  const StreamTimes times_;
  bool stopping_ = false;
  TimePoint stop_deadline_;
  std::string front_;
  std::string buffer_;          ///< received
  std::size_t read_until_ = 0;  ///< how much of the buffer has been read
  TimePoint body_start_;
  std::size_t body_bytes_ = 0;
  std::size_t line_bytes_ = 0;  ///< of single-byte reads since the last newline: how the library reads lines
};

}  // namespace trapline::collector
