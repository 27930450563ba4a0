#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// What was refused of each project, and what was there already, by hour and reason, on its way to the store: counted
/// in memory and written by flush(), so that refusing costs no disk. A kill loses what was counted since the last
/// flush. Thread-safe.
class RefusalLog {
 public:
  RefusalLog(IngestStore& store, const core::Clock& clock) : store_(store), clock_(clock) {}

  void count(ProjectId project, const std::string& reason, std::int64_t events);

  /// Writes what has gathered. When that fails it is kept for the next time.
  Status flush();

 private:
  using Key = std::tuple<ProjectId, UnixMillis, std::string>;

  IngestStore& store_;
  const core::Clock& clock_;
  std::mutex mutex_;
  std::map<Key, std::int64_t> counts_;  ///< guarded by mutex_
};

}  // namespace trapline::collector
