#pragma once

#include <sqlite3.h>

#include "collector/storage/sqlite/event_days.h"

namespace trapline::collector::sqlite {

/// Makes the days' files look like one table to the database: the virtual table `event` (https://sqlite.org/vtab.html),
/// which the SQL of sql/ reads and writes as it does PostgreSQL's partitioned one. A day that cannot be used is left
/// out. `days` outlives the connection's handle. To be called before anything of the schema is used.
void add_event_table(sqlite3* database, EventDays& days);

}  // namespace trapline::collector::sqlite
