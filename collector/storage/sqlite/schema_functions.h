#pragma once

#include <sqlite3.h>

namespace trapline::collector::sqlite {

/// Gives a connection the SQL functions that migrations use: from_hex(text) and user_hash(text).
void add_schema_functions(sqlite3* database);

}  // namespace trapline::collector::sqlite
