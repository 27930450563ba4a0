#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "sdk/core/clock.h"

namespace trapline::collector {

/// Slows down guessing: so many failures for one key within a window, then no more tries until the oldest has left it.
/// Memory is bounded. Thread-safe.
class AttemptLimiter {
 public:
  AttemptLimiter(std::size_t max_failures, std::chrono::seconds window, const core::Clock& clock)
      : max_failures_(max_failures), window_(window), clock_(clock) {}

  /// How long to wait before the next try; zero when it is allowed now.
  std::chrono::seconds wait_time(const std::string& key);

  void count_failure(const std::string& key);
  void forget(const std::string& key);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void drop_old(std::deque<Time>& failures, Time now) const;

  std::size_t max_failures_;
  std::chrono::seconds window_;
  const core::Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::deque<Time>> failures_;  ///< guarded by mutex_
};

}  // namespace trapline::collector
