#pragma once

/// An answer that does not end: server-sent events for one client (text/event-stream). Whoever has news puts it in from
/// any thread; the server's loop sends it as the client takes it. No thread waits for a client: news waits here, up to
/// a bound, and a client that stays behind by more is hung up on. It comes back by itself and asks for what it missed.

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace trapline::collector {

/// Wakes the loop for the streams that have news. Shared by the loop and its streams, which may outlive it.
class StreamBell {
 public:
  StreamBell();
  ~StreamBell();
  StreamBell(const StreamBell&) = delete;
  StreamBell& operator=(const StreamBell&) = delete;

  void ring(int socket);
  /// For the loop: what to wait for, and whose bell was rung since the last time.
  [[nodiscard]] int descriptor() const { return event_; }
  std::vector<int> answer();

 private:
  const int event_;
  std::mutex mutex_;
  std::vector<int> sockets_;  ///< guarded by mutex_
};

/// Thread-safe.
class EventStream {
 public:
  /// Adds one or more whole events, or comments. False when the client is gone, or too slow and given up.
  bool send(std::string_view text);

  // The rest is the server's.

  /// From now on news rings the bell.
  void attach(std::shared_ptr<StreamBell> bell, int socket);
  /// What has gathered.
  std::string take();
  /// The client took too little.
  [[nodiscard]] bool is_overrun() const;

 private:
  static constexpr std::size_t kMostBytes = std::size_t{256} << 10;

  mutable std::mutex mutex_;
  std::string waiting_;  ///< guarded by mutex_, as all below
  bool is_overrun_ = false;
  std::shared_ptr<StreamBell> bell_;
  int socket_ = -1;
};

}  // namespace trapline::collector
