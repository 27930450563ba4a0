#pragma once

#include <atomic>
#include <cstdint>

namespace trapline::collector {

/// What an archiver does and has done since the start, for the metrics. Written by one thread, read by any.
struct ArchiveCounts {
  std::atomic<std::uint64_t> days{0};
  std::atomic<std::uint64_t> events{0};
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<std::uint64_t> unarchived{0};  ///< days that were thinned or went without, for want of room
  std::atomic<bool> is_failing{false};       ///< the last try failed
  std::atomic<bool> is_at_work{false};       ///< on a day; the next two are of this one
  std::atomic<std::uint64_t> day_events{0};
  std::atomic<double> day_share{0};  ///< of its 24 hours
};

}  // namespace trapline::collector
