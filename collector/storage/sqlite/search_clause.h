#pragma once

#include "collector/storage/search.h"
#include "collector/storage/sqlite/where_clause.h"

namespace trapline::collector::sqlite {

/// Narrows a query of the table `issue` to what is searched for.
void add_search(WhereClause& where, const Search& search);

}  // namespace trapline::collector::sqlite
