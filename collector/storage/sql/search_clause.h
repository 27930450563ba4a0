#pragma once

#include <optional>

#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {

/// Narrows a query of the table `issue` to what is searched for, on this connection. `project`: whose issues the query
/// is about, where it is one's.
///
/// What other tables tell of issues is looked up first: few group hashes become a list that the query takes; of many
/// each issue is asked as it comes by, since then the page is soon full.
void add_search(Connection& connection, WhereClause& where, const Search& search, std::optional<ProjectId> project);

}  // namespace trapline::collector::sql
