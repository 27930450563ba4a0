#pragma once

/// Counters against what they count. Of a group hash: stored_count is the number of its events; count, of what was
/// seen, is no less, as some events are counted and not kept, or have gone since; its hours add up to count, and the
/// first and last of them hold first_seen and last_seen. Of an issue: the same of all its hashes, and its users.

#include <vector>

#include "collector/storage/sql/consistency_check.h"

namespace trapline::collector::sql {

std::vector<Check> counter_checks();

/// Counts a hash anew, and its issue. What was seen is only raised: events that were not kept leave nothing else to
/// count it by. Inside the caller's transaction.
void recount_hash(Connection& connection, std::int64_t hash);

}  // namespace trapline::collector::sql
