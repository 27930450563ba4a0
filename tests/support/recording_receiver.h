#pragma once

#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <httplib.h>
#include <nlohmann/json.hpp>

namespace trapline::tests {

/// Takes events in as a collector does, on a free port of this machine, and remembers them.
class RecordingReceiver {
 public:
  RecordingReceiver() {
    server_.Post("/v1/events", [this](const httplib::Request& request, httplib::Response& response) {
      const std::lock_guard lock(mutex_);
      std::istringstream lines(request.body);
      for (std::string line; std::getline(lines, line);) events_.push_back(nlohmann::json::parse(line));
      response.status = 202;
      response.set_content("{}", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~RecordingReceiver() {
    server_.stop();
    thread_.join();
  }
  RecordingReceiver(const RecordingReceiver&) = delete;
  RecordingReceiver& operator=(const RecordingReceiver&) = delete;

  [[nodiscard]] std::string dsn() const {
    return "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:" + std::to_string(port_) + "/1";
  }
  std::vector<nlohmann::json> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<nlohmann::json> events_;
  std::thread thread_;
};

}  // namespace trapline::tests
