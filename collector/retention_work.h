#pragma once

/// What a running collector does all the time so that nothing is kept for longer than it shall be, nor more than there
/// is room for: a little of it each time that it is called.

#include <chrono>
#include <cstddef>

#include "collector/cold_archive.h"
#include "collector/storage/retention.h"
#include "collector/storage/retention_counts.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Called by one thread. What happens is told in the log.
class RetentionWork {
 public:
  /// `archive` may be null. Both outlive it.
  RetentionWork(Store& store, const RetentionPolicy& policy, ColdArchive* archive);

  void work();

  [[nodiscard]] const RetentionCounts& counts() const { return counts_; }

 private:
  void take(const RetentionStep& step);
  void tell_of_room(bool only_counts);
  [[nodiscard]] std::chrono::microseconds pause_after(const RetentionStep& step) const;
  void tell_troubles();

  Store& store_;
  const RetentionPolicy policy_;
  ColdArchive* archive_;
  RetentionCounts counts_;
  bool has_failed_ = false;
  int rests_ = 0;  ///< how many further calls do nothing
  std::size_t told_troubles_ = 0;
  bool has_told_of_room_ = false;  ///< that there is none
  std::chrono::steady_clock::time_point had_no_room_at_;
};

}  // namespace trapline::collector
