#pragma once

/// How releases do, by the sessions that clients tell of.

#include <cstdint>
#include <string>

#include "collector/storage/records.h"

namespace trapline::collector {

/// Every session is in `sessions`, and in at most one of the others. One that has had no bad end counts as healthy:
/// pages and programs often end without a word.
struct SessionTally {
  std::int64_t sessions = 0;
  std::int64_t errored = 0;   ///< had errors, and ended well or not yet
  std::int64_t crashed = 0;   ///< ended by a crash
  std::int64_t abnormal = 0;  ///< ended without a signal: killed, out of memory, hung, power lost

  friend bool operator==(const SessionTally&, const SessionTally&) = default;
};

/// A release in a span of time.
struct ReleaseHealth {
  std::string release;
  SessionTally tally;
  std::int64_t users = 0;  ///< different ones, of the days that the span touches
  std::int64_t crashed_users = 0;
};

/// One release's sessions that began within one hour.
struct ReleaseHour {
  UnixMillis hour = 0;  ///< the start of the hour, UTC
  SessionTally tally;
};

/// Which sessions: of those that began at or after `from` and before `to`, in whole hours.
struct ReleaseHealthQuery {
  ProjectId project_id = 0;
  std::string environment;  ///< empty: all
  UnixMillis from = 0;
  UnixMillis to = 0;
};

}  // namespace trapline::collector
