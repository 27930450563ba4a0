#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "collector/storage/store_options.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct MigrationProgress {
  enum class Stage { kCopying, kFiles, kVerifying };
  Stage stage = Stage::kCopying;
  std::string table;            ///< what is at work
  std::int64_t rows = 0;        ///< or files, of all that the stage is through with; those of earlier runs among them
  std::int64_t rows_total = 0;  ///< that the stage has to do
};

struct MigrationOptions {
  std::string from;  ///< URLs as open_store() takes them
  std::string to;
  std::string from_files = {};  ///< the folders for attachments' files, as in StoreOptions
  std::string to_files = {};
  BucketAccess bucket = {};  ///< of a bucket among them
  /// The name of the spool beside the database (Spool::name()): how far it has been digested goes with the move. Empty:
  /// there is none.
  std::string spool;
  /// What is copied in one transaction; a row may be larger.
  std::int64_t rows_per_page = 5'000;
  std::int64_t bytes_per_page = std::int64_t{4} << 20;
  /// Called at the start and after each page; false breaks the move off.
  std::function<bool(const MigrationProgress&)> on_progress = [](const MigrationProgress&) { return true; };
};

struct MovedTable {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t changed_rows = 0;  ///< of them, those with a text that PostgreSQL does not take: it has U+FFFD there
};

struct MigrationReport {
  std::vector<MovedTable> tables;
  std::int64_t files = 0;          ///< of attachments
  std::int64_t missing_files = 0;  ///< that the source names and has not
  bool was_resumed = false;        ///< an earlier run had begun it
};

/// Moves all that is in a database into an empty one, of another engine or of the same, and then reads both again and
/// compares rows and checksums; the same with the files that attachments are in. The source stays as it is, but for
/// having the newest schema; nobody may use either meanwhile, and whoever tries waits or is refused. Broken off at any
/// instant, it goes on where it was when it is called again; until it has ended well nobody can open the target.
/// Errors: "database_in_use", "invalid_database_url", "not_found" when there is no source, "not_empty", "other_source"
/// when the target is another move's, "differs" when the two are not the same in the end, "unfinished_move" when the
/// source is a target itself, "broken_off", "schema_too_new", "unstorable", "storage".
core::Result<MigrationReport> migrate_store(const MigrationOptions& options);

}  // namespace trapline::collector
