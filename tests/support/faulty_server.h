#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sdk/core/gzip.h"

namespace trapline::tests {

/// A server that misbehaves as the test wants, on a free port of this machine. One connection at a time.
class FaultyServer {
 public:
  enum class Fault {
    kNone,        ///< 202
    kError500,    ///< 500
    kTooMany,     ///< 429, Retry-After: 1
    kHang,        ///< reads and never answers
    kCutAnswer,   ///< closes in the middle of its answer's body
    kGarbage,     ///< answers what is no HTTP
    kCloseAtOnce  ///< closes as soon as the connection is there
  };

  FaultyServer() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool is_listening = bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                              listen(listener_, 16) == 0 &&
                              getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    if (!is_listening) throw std::runtime_error("no port is free");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~FaultyServer() {
    is_stopping_ = true;
    thread_.join();
    close(listener_);
  }
  FaultyServer(const FaultyServer&) = delete;
  FaultyServer& operator=(const FaultyServer&) = delete;

  void set(Fault fault) { fault_ = fault; }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] std::string dsn() const {
    return "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:" + std::to_string(port_) + "/1";
  }

 private:
  void run() {
    while (!is_stopping_) {
      if (!wait_for(listener_)) continue;
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      while (!is_stopping_ && fault_ != Fault::kCloseAtOnce && serve(connection)) {
      }
      close(connection);
    }
  }

  static bool wait_for(int descriptor) {
    pollfd waited{descriptor, POLLIN, 0};
    return poll(&waited, 1, 10) > 0;
  }

  /// Takes one request. False: the connection ends.
  bool serve(int connection) {
    std::string request;
    std::size_t wanted = 0;
    while (wanted == 0 || request.size() < wanted) {
      if (is_stopping_) return false;
      if (!wait_for(connection)) continue;
      std::array<char, 16'384> bytes{};
      const ssize_t count = recv(connection, bytes.data(), bytes.size(), 0);
      if (count <= 0) return false;
      request.append(bytes.data(), static_cast<std::size_t>(count));
      const std::size_t head = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      if (head != std::string::npos && length < head) wanted = head + 4 + std::stoul(request.substr(length + 16));
    }
    ++requests_;
    return answer(connection);
  }

  bool answer(int connection) {
    const auto send_all = [&](const std::string& text) {
      return send(connection, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    };
    switch (fault_.load()) {
      case Fault::kError500:
        return send_all("HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops");
      case Fault::kTooMany:
        return send_all("HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
      case Fault::kHang:
        while (!is_stopping_ && fault_ == Fault::kHang) std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return false;
      case Fault::kCutAnswer:
        send_all("HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{\"acc");
        return false;
      case Fault::kGarbage:
        send_all("\x01\x02 what is this?\r\n\r\n");
        return false;
      case Fault::kCloseAtOnce:
        return false;
      case Fault::kNone:
        break;
    }
    return send_all("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n");
  }

  int listener_ = -1;
  int port_ = 0;
  std::atomic<Fault> fault_{Fault::kNone};
  std::atomic<int> requests_{0};
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

}  // namespace trapline::tests
