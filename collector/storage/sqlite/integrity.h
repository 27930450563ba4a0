#pragma once

#include <string>

#include "collector/storage/consistency.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// Quick: without comparing indexes with their tables.
enum class CheckDepth { kQuick, kFull };

/// What SQLite itself finds wrong with the file: pages, indexes, values. Reads all of it. A file that is no database at
/// all is a fault, too; anything else that keeps it from being read is thrown.
CheckFinding check_structure(const std::string& path, CheckDepth depth = CheckDepth::kFull);

/// Rows that name rows of other tables which are not there, as the schema declares it.
CheckFinding check_references(Connection& connection);

}  // namespace trapline::collector::sqlite
