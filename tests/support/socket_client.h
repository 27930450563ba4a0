#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace trapline::tests {

/// A client that writes and reads what it likes: half requests, many at once, streams. Gives up after 20 s of silence.
class SocketClient {
 public:
  /// Connects to the port of this machine and sends the request, if there is one. `receive_buffer` in bytes; 0: the
  /// system's.
  explicit SocketClient(int port, const std::string& request = "", int receive_buffer = 0)
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(write(request));
  }
  ~SocketClient() { close(socket_); }
  SocketClient(const SocketClient&) = delete;
  SocketClient& operator=(const SocketClient&) = delete;

  /// False when the other end did not let it.
  bool write(const std::string& text) const {
    for (std::size_t done = 0; done < text.size();) {
      const ssize_t count = send(socket_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
      if (count <= 0) return false;
      done += static_cast<std::size_t>(count);
    }
    return true;
  }
  void end_writing() const { shutdown(socket_, SHUT_WR); }

  /// What came since the last call, up to and with the text, or to the end when that comes first.
  std::string read_until(const std::string& text) {
    std::size_t found = std::string::npos;
    std::size_t from = seen_;
    while ((found = read_.find(text, from)) == std::string::npos && read_more()) {
      // A text may come in two pieces.
      from = std::max(seen_, read_.size() - std::min(read_.size(), last_read_ + text.size()));
    }
    const std::size_t start = seen_;
    seen_ = found == std::string::npos ? read_.size() : found + text.size();
    return read_.substr(start, seen_ - start);
  }
  /// Whether the text comes, before the end does.
  bool receives(const std::string& text) { return read_until(text).ends_with(text); }
  std::string read_all() {
    while (read_more()) {
    }
    const std::size_t start = seen_;
    seen_ = read_.size();
    return read_.substr(start);
  }
  /// Waits for the end; false when the time was over first.
  bool reads_to_end() {
    read_all();
    return has_ended_;
  }

  /// The data of the next event of the name, of a stream of server-sent events.
  nlohmann::json next(const std::string& event) {
    REQUIRE(receives("event: " + event + "\ndata: "));
    const std::string data = read_until("\n\n");
    REQUIRE(data.ends_with("\n\n"));
    return nlohmann::json::parse(data);
  }
  /// All that was read.
  [[nodiscard]] const std::string& read() const { return read_; }

 private:
  bool read_more() {
    char buffer[16'384];
    const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
    has_ended_ = count == 0 || (count < 0 && errno == ECONNRESET);
    if (count <= 0) return false;
    last_read_ = static_cast<std::size_t>(count);
    read_.append(buffer, last_read_);
    return true;
  }

  int socket_;
  std::string read_;
  std::size_t seen_ = 0;       ///< of read_
  std::size_t last_read_ = 0;  ///< bytes
  bool has_ended_ = false;
};

}  // namespace trapline::tests
