#pragma once

/// An answer that does not end: server-sent events for one client (text/event-stream). Whoever has news puts it in from
/// any thread; the server's loop sends it as the client takes it. No thread waits for a client: news waits here, up to
/// a bound. What comes when that is full is left out and counted; as soon as the client has taken what waits, one event
/// tells it how many it missed, and it goes on from there. Who takes nothing at all is closed by the server after a
/// while.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
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

/// One event, as it is sent.
struct StreamEvent {
  std::string id;  ///< what a client that comes back names as the last that it has seen
  std::string text;
};
/// Shared by all streams in which it waits: a hundred slow clients hold it once.
using SharedEvent = std::shared_ptr<const StreamEvent>;

/// `data` is one line.
SharedEvent make_event(std::string id, std::string_view name, std::string_view data);
/// Events were left out; nothing: nobody knows how many. A client asks anew for what they would have told it.
SharedEvent make_missed_event(std::string id, std::optional<std::uint64_t> count);

/// Thread-safe.
class EventStream {
 public:
  /// What waits at most, in bytes of text: more than what a client that comes back is sent at first.
  static constexpr std::size_t kMostBytes = std::size_t{2} << 20;

  /// With what is sent at first.
  explicit EventStream(std::vector<SharedEvent> first = {});

  void send(SharedEvent event);

  // The rest is the server's.

  /// From now on news rings the bell.
  void attach(std::shared_ptr<StreamBell> bell, int socket);
  /// The next of what has gathered, some 64 KiB at a time; empty: nothing waits. For a client that has taken all
  /// before.
  std::string take();

 private:
  void push(SharedEvent event);

  std::mutex mutex_;
  std::deque<SharedEvent> waiting_;  ///< guarded by mutex_, as all below
  std::size_t waiting_bytes_ = 0;
  std::uint64_t left_out_ = 0;    ///< since what waits was full; until it is taken nothing else is let in, so that
                                  ///< the gap is one and its place is known
  std::string last_left_out_id_;  ///< a client that was told of the gap goes on behind it
  std::shared_ptr<StreamBell> bell_;
  int socket_ = -1;
};

}  // namespace trapline::collector
