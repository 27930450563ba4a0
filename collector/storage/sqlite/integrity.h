#pragma once

#include <string>

#include "collector/storage/consistency.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// Quick: without comparing indexes with their tables.
enum class CheckDepth { kQuick, kFull };

/// What SQLite itself finds wrong with the file: pages, indexes, values. Reads all of it. A file that is no database at
/// all is a fault, too; anything else that keeps it from being read is thrown.
CheckFinding check_file(const std::string& path, CheckDepth depth = CheckDepth::kFull);

/// The same of all files of days. Those with faults are left out by the connection from then on; mended, they are moved
/// away, beside where they were, so that the store does without them.
CheckFinding check_days(Connection& database, bool repairs);

/// Rows that name rows of other tables which are not there, as the schema declares it.
CheckFinding check_references(Connection& connection);

}  // namespace trapline::collector::sqlite
