#include "collector/storage/sqlite/online_copy.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/event_days.h"
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

/// From now on the connection sees what there is now.
void hold_moment(Connection& connection) {
  connection.execute("BEGIN");
  number_of(connection, "SELECT count(*) FROM sqlite_master");
}

std::uint64_t bytes_of(Connection& connection) {
  return number_of(connection, "PRAGMA page_count") * number_of(connection, "PRAGMA page_size");
}

/// One of the files of a store.
struct Part {
  std::string target;
  std::unique_ptr<Connection> source;
  std::uint64_t bytes = 0;
};

void copy_part(Part& part, const CopyProgress& progress) {
  {
    const DatabasePtr target = create_target(part.target);
    copy_pages(*part.source, target.get(), progress, number_of(*part.source, "PRAGMA page_size"));
  }
  part.source->execute("COMMIT");
  part.source.reset();
  const CheckFinding found = check_file(part.target, CheckDepth::kQuick);
  if (found.faults > 0) {
    throw SqliteError(SQLITE_CORRUPT, "the database is damaged, and so is its copy: " + found.examples.front() +
                                          "; trapline-collector check says more");
  }
}

std::vector<std::int64_t> days_of(Connection& database) {
  std::vector<std::int64_t> days;
  Statement rows = database.prepare("SELECT day FROM event_day ORDER BY day");
  while (rows.step()) days.push_back(rows.integer(0));
  return days;
}

}  // namespace

CopiedStore copy_online(const std::string& source, const std::string& target, const CopyProgress& progress) {
  CopiedStore copied;
  std::vector<Part> parts;
  {
    // Nobody writes until all files are held at the same moment.
    Connection writer(source);
    copied.schema_version = writer.schema_version();
    sql::refuse_newer_schema(copied.schema_version, migration_texts().size());
    if (copied.schema_version < migration_texts().size()) {
      throw sql::Refusal("schema_too_old", "the database has schema version " + std::to_string(copied.schema_version) +
                                               ", this collector writes " + std::to_string(migration_texts().size()) +
                                               ": start trapline-collector serve on it once, which migrates it");
    }
    const Transaction nobody_writes(writer);
    parts.push_back({target, std::make_unique<Connection>(source)});
    hold_moment(*parts.back().source);
    for (const std::int64_t day : days_of(writer)) {
      const std::string path = day_path(day_folder(source), day);
      try {
        auto file = std::make_unique<Connection>(path, Connection::DayKind::kExisting);
        hold_moment(*file);
        parts.push_back({day_path(day_folder(target), day), std::move(file)});
        copied.days.push_back(sql::day_text(day) + ".db");
      } catch (const SqliteError& error) {
        if (!is_damage(error.code()) && error.code() != SQLITE_CANTOPEN) throw;
        copied.left_out.push_back(path + ": " + error.what());
      }
    }
  }
  std::uint64_t total = 0;
  for (Part& part : parts) total += part.bytes = bytes_of(*part.source);
  std::uint64_t before = 0;
  for (Part& part : parts) {
    copy_part(part, [&](std::uint64_t done, std::uint64_t) { progress(before + done, total); });
    before += part.bytes;
  }
  return copied;
}

}  // namespace trapline::collector::sqlite
