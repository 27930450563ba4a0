#include "collector/storage/sqlite/online_copy.h"

#include <memory>

#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/integrity.h"
#include "collector/storage/sqlite/migrations.h"

namespace trapline::collector::sqlite {
namespace {

constexpr int kPagesInStep = 256;

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using DatabasePtr = std::unique_ptr<sqlite3, CloseDatabase>;

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
};

/// Without a journal and without waiting for the disk: until it is whole the file is worth nothing.
DatabasePtr create_target(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  DatabasePtr target(opened);
  if (code != SQLITE_OK) throw SqliteError(code & 0xFF, "cannot write to " + path + ": " + sqlite3_errstr(code));
  sqlite3_exec(target.get(), "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", nullptr, nullptr, nullptr);
  return target;
}

void copy_pages(Connection& source, sqlite3* target, const CopyProgress& progress, std::uint64_t page_bytes) {
  const std::unique_ptr<sqlite3_backup, FinishBackup> backup(
      sqlite3_backup_init(target, "main", source.handle(), "main"));
  if (backup == nullptr) throw SqliteError(sqlite3_errcode(target), sqlite3_errmsg(target));
  int code = SQLITE_OK;
  while ((code = sqlite3_backup_step(backup.get(), kPagesInStep)) == SQLITE_OK) {
    const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup.get()));
    const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup.get()));
    progress((total - left) * page_bytes, total * page_bytes);
  }
  if (code != SQLITE_DONE) {
    throw SqliteError(code & 0xFF, std::string("the copy could not be written: ") + sqlite3_errstr(code));
  }
}

std::uint64_t number_of(Connection& connection, std::string_view sql) {
  Statement statement = connection.prepare(sql);
  statement.step();
  return static_cast<std::uint64_t>(statement.integer(0));
}

}  // namespace

std::size_t copy_online(const std::string& source_path, const std::string& target_path, const CopyProgress& progress) {
  Connection source(source_path);
  source.execute("BEGIN");
  number_of(source, "SELECT count(*) FROM sqlite_master");  // the moment
  const std::size_t version = source.schema_version();
  sql::refuse_newer_schema(version, migration_texts().size());
  {
    const DatabasePtr target = create_target(target_path);
    copy_pages(source, target.get(), progress, number_of(source, "PRAGMA page_size"));
  }
  source.execute("COMMIT");
  const CheckFinding found = check_structure(target_path, CheckDepth::kQuick);
  if (found.faults > 0) {
    throw SqliteError(SQLITE_CORRUPT, "the database is damaged, and so is its copy: " + found.examples.front() +
                                          "; trapline-collector check says more");
  }
  return version;
}

}  // namespace trapline::collector::sqlite
