#pragma once

#include "collector/storage/search.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {

/// Narrows a query of the table `issue` to what is searched for.
void add_search(WhereClause& where, const Search& search);

}  // namespace trapline::collector::sql
