#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// The issue half of EventStore's questions, on one connection. `now` tells which day is today.
Page<Issue> find_issues(Connection& connection, const IssueQuery& query, UnixMillis now);
std::optional<Issue> find_issue(Connection& connection, IssueId id, UnixMillis now);
std::vector<HourCount> count_by_hour(Connection& connection, IssueId id, UnixMillis from, UnixMillis to);
std::int64_t count_issues(Connection& connection);

}  // namespace trapline::collector::sql
