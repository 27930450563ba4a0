#pragma once

#include <string>
#include <vector>

#include "collector/storage/files/file_store.h"
#include "collector/storage/migrate_store.h"
#include "collector/storage/sql/move_end.h"

namespace trapline::collector::sql {

/// The tables in the order in which their rows may come: each behind those that its own refer to. Tables that a
/// migration adds come last, as long as none refers to them.
void sort_by_reference(std::vector<Table>& tables);

/// A database, and the files that its attachments are in; null: there are none.
struct MovedStore {
  MoveEnd& end;
  FileStore* files = nullptr;
};

/// migrate_store(), between two databases of the newest schema. What makes it resumable: each page of rows is stored in
/// one transaction with the key of its last one (the target's table move_progress), and the rows stay there until the
/// two databases have been compared. Throws Refusal and DatabaseError.
MigrationReport copy_store(const MovedStore& source, const MovedStore& target, const MigrationOptions& options);

}  // namespace trapline::collector::sql
