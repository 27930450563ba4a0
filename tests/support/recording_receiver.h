#pragma once

#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace trapline::tests {

/// Takes events in as a collector does, on a free port of this machine, and remembers them.
class RecordingReceiver {
 public:
  /// On that port, or on a free one.
  explicit RecordingReceiver(int port = 0) {
    server_.Post("/v1/events", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      std::istringstream lines(request.body);
      for (std::string line; std::getline(lines, line);) {
        nlohmann::json object = nlohmann::json::parse(line);
        if (object.contains("trapline_batch")) {
          batches_.push_back(object["trapline_batch"]);
        } else {
          events_.push_back(std::move(object));
        }
      }
      response.status = 202;
      response.set_content("{}", "application/json");
    });
    server_.Post("/api/1/envelope/", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      envelopes_.push_back(request.body);
      response.set_content("{}", "application/json");
    });
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);  // seconds; stop() waits for connections that WinHTTP keeps open
    port_ = port != 0 ? port : server_.bind_to_any_port("127.0.0.1");
    if (port != 0 && !server_.bind_to_port("127.0.0.1", port)) throw std::runtime_error("the port is taken");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~RecordingReceiver() {
    server_.stop();
    thread_.join();
  }
  RecordingReceiver(const RecordingReceiver&) = delete;
  RecordingReceiver& operator=(const RecordingReceiver&) = delete;

  [[nodiscard]] std::string dsn() const { return dsn_at(port_); }
  static std::string dsn_at(int port) {
    return "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:" + std::to_string(port) + "/1";
  }
  /// A port on which nobody listens now, for a receiver that comes later.
  static int free_port() { return RecordingReceiver().port(); }
  [[nodiscard]] int port() const { return port_; }
  std::vector<nlohmann::json> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  /// What the batches said of themselves.
  std::vector<nlohmann::json> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  /// The bodies of envelopes.
  std::vector<std::string> envelopes() {
    const std::lock_guard lock(mutex_);
    return envelopes_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<nlohmann::json> events_;
  std::vector<nlohmann::json> batches_;
  std::vector<std::string> envelopes_;
  std::thread thread_;
};

}  // namespace trapline::tests
