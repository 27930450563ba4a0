#pragma once

/// What runs of programs with libtrapline say of their events, and what of it stands in the ledger. See
/// migrations/0006_client_runs.sql.

#include <cstdint>
#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// So many runs of a project are known one by one. Of a further one's predecessors the oldest become part of the
/// ledger: what they had open then stays unknown.
constexpr std::int64_t kMostRuns = 5'000;

/// Adds what is new in them to the ledger, at the hour of receipt. The same again, or older counters, change nothing.
/// Inside a transaction, for a project that exists.
void add_run_counters(Connection& connection, ProjectId project, UnixMillis received_at, const RunCounters& counters);

/// The newest by receipt. Without their drops by reason.
std::vector<StoredItem> find_run_counters(Connection& connection, ProjectId project, std::size_t limit);

}  // namespace trapline::collector::sqlite
