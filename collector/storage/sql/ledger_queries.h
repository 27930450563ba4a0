#pragma once

/// The ledger as it is shown: what stands in it, with what was refused at the door and what clients tell.

#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

LedgerPage find_ledger(Connection& connection, const LedgerQuery& query);

std::vector<LedgerEntry> sum_ledger(Connection& connection, ProjectId project, UnixMillis from, UnixMillis to);

}  // namespace trapline::collector::sql
