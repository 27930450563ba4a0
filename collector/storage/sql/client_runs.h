#pragma once

/// What runs of programs with libtrapline say of their events, and what of it stands in the ledger. See
/// migrations/0006_client_runs.sql.
///
/// A run is known one by one until it has told nothing new for 30 days, which is as long as a program keeps by default
/// what it could not send. Then it is folded: what it had open stays unknown in the ledger for good, and of itself only
/// its id and one number are kept, how many events the ledger has as dropped by it or unknown. Should it tell more
/// after all, that number says what of it is new. By which reasons cannot be said any more: the new part is unknown,
/// with the reason `told_late`. So nothing is counted twice, and nothing that was told is left out; what turns out to
/// have arrived meanwhile stays unknown. After another year in which it tells nothing at all the run is forgotten, and
/// only then would it be taken for a new one.
///
/// Bounded by time, not by number: each run has sent a request, and takes less room (some 250 bytes for 30 days, 60 for
/// a year) than an event that came with it.

#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {

constexpr UnixMillis kRunKnownFor = 30 * kDayMs;
constexpr UnixMillis kFoldedRunKnownFor = 365 * kDayMs;

/// Adds what is new in them to the ledger, at the hour of receipt. The same again, or older counters, change nothing.
/// Inside a transaction, for a project that exists.
void add_run_counters(Connection& connection, ProjectId project, UnixMillis received_at, const RunCounters& counters);

/// The newest by receipt. Without their drops by reason.
std::vector<StoredItem> find_run_counters(Connection& connection, ProjectId project, std::size_t limit);

}  // namespace trapline::collector::sql
