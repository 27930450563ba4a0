#pragma once

#include <atomic>
#include <cstdint>

namespace trapline::collector {

/// What retention has found and done since the start, for the metrics. Written by one thread, read by any.
struct RetentionCounts {
  std::atomic<std::int64_t> bytes_used{0};  ///< by the database
  std::atomic<std::int64_t> most_bytes{0};  ///< that it may use; 0: no limit
  std::atomic<std::int64_t> erased{0};      ///< events, those of days that went as a whole left out
  std::atomic<bool> only_counts{false};     ///< for want of room
};

}  // namespace trapline::collector
