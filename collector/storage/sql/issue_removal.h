#pragma once

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Coarse hashes of the issue go where a fine one that names them leads; those that none names go.
void give_away_coarse_hashes(Connection& connection, IssueId issue);

/// Within a transaction: deletes the issue with all that was counted of it. It must have no events.
void remove_issue(Connection& connection, IssueId issue);

}  // namespace trapline::collector::sql
