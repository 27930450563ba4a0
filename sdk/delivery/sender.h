#pragma once

/// Takes events from any thread and brings them to the collector from its own: gathers them into batches, compresses,
/// posts, tries again. Every event is accounted for.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "sdk/core/dsn.h"
#include "sdk/core/event.h"
#include "sdk/core/result.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {

struct SenderLimits {
  std::size_t max_queued = 1'000;                        ///< events waiting, on their way included
  std::size_t max_batch_events = 100;                    ///< events in one request
  std::size_t max_batch_bytes = std::size_t{512} << 10;  ///< JSON in one request, unless one event alone is larger
  std::chrono::milliseconds max_batch_age{1'000};        ///< from the first event of a batch to its request
};

/// captured = delivered + rejected + dropped_queue_full + dropped_shutdown + queued, at any time.
struct SenderCounts {
  std::uint64_t captured = 0;
  std::uint64_t delivered = 0;
  std::uint64_t rejected = 0;
  std::uint64_t dropped_queue_full = 0;
  std::uint64_t dropped_shutdown = 0;
  std::uint64_t queued = 0;
};

/// Thread-safe.
class Sender {
 public:
  /// Turns an event into JSON, on the sender's thread.
  using Render = std::function<std::string(core::Event&)>;
  /// A sentence about what goes wrong, for the debug mode. On the sender's thread.
  using Report = std::function<void(const std::string&)>;

  Sender(const core::Dsn& dsn, std::unique_ptr<Transport> transport, Render render, Report report,
         SenderLimits limits = {});
  ~Sender();  ///< stop(0)
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// Never waits for the network. False when the queue is full: the event is dropped and counted.
  bool push(core::Event event);

  /// Waits until all events pushed so far have left the queue, one way or the other. False when the time was up first.
  bool flush(std::chrono::milliseconds timeout);

  /// Sends what waits until the time is up, drops the rest, ends the thread. False when something was dropped.
  bool stop(std::chrono::milliseconds timeout);

  [[nodiscard]] SenderCounts counts() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  void run();
  std::vector<std::string> gather(std::unique_lock<std::mutex>& lock);
  void deliver(std::unique_lock<std::mutex>& lock, const std::vector<std::string>& batch);
  void finish(std::size_t events, std::uint64_t SenderCounts::*fate);
  void finish_queue();
  [[nodiscard]] bool is_time_up() const;

  const std::string url_;
  const std::vector<std::string> headers_;
  const std::unique_ptr<Transport> transport_;
  const Render render_;
  const Report report_;
  const SenderLimits limits_;

  mutable std::mutex mutex_;
  std::condition_variable work_changed_;  ///< an event came, a flush began, or the end did
  std::condition_variable events_left_;   ///< events left the queue
  std::deque<core::Event> queue_;         ///< guarded by mutex_, as all below
  std::size_t in_flight_ = 0;             ///< events taken from queue_ and not finished
  std::uint64_t finished_ = 0;            ///< events that have left, of all that were queued
  std::uint64_t flush_through_ = 0;       ///< do not wait for batches to fill up before this many have left
  SenderCounts counts_;
  bool is_stopping_ = false;
  Time stop_at_{};
  std::thread thread_;
};

}  // namespace trapline::sdk
