#pragma once

#include <string_view>
#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/release_health.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Where a session is counted.
struct SessionPlace {
  ProjectId project_id = 0;
  UnixMillis started = 0;
  std::string_view release;
  std::string_view environment;
};

/// What one session counts as.
SessionTally tally_of(SessionStatus status, std::int64_t errors);

/// Adds to an hour, or takes from it with `sign` -1. Within the caller's transaction, as all below.
void count_sessions(Connection& connection, const SessionPlace& place, const SessionTally& tally, int sign = 1);
/// `user` empty: nobody is known.
void count_user(Connection& connection, const SessionPlace& place, std::string_view user, bool has_crashed);

/// Most sessions first.
std::vector<ReleaseHealth> list_release_health(Connection& connection, const ReleaseHealthQuery& query);
/// Oldest first; hours without sessions are left out.
std::vector<ReleaseHour> list_release_hours(Connection& connection, const ReleaseHealthQuery& query,
                                            std::string_view release);

}  // namespace trapline::collector::sql
