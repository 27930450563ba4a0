#include "collector/storage/sqlite/day_file.h"

#include <utility>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sqlite {
namespace {

/// `batch_row` has what the last transaction changed: rows it made (kind 1 each, kind 3 all from this id on), and group
/// hashes whose rows it took or moved (kind 2).
constexpr const char* kSchema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS event (
  id         INTEGER PRIMARY KEY,
  project_id INTEGER NOT NULL,
  hash_id    INTEGER NOT NULL,
  event_id   BLOB NOT NULL,
  data       BLOB NOT NULL,
  summary    TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS event_by_event_id ON event (project_id, event_id);
CREATE INDEX IF NOT EXISTS event_by_project ON event (project_id, id);
CREATE INDEX IF NOT EXISTS event_by_hash ON event (hash_id, id);
CREATE TABLE IF NOT EXISTS batch (id INTEGER PRIMARY KEY CHECK (id = 1), number INTEGER NOT NULL);
INSERT OR IGNORE INTO batch (id, number) VALUES (1, 0);
CREATE TABLE IF NOT EXISTS batch_row (kind INTEGER NOT NULL, id INTEGER NOT NULL);
PRAGMA user_version = 1;
COMMIT;
)sql";

/// Readers have many files open, and read little of each.
constexpr const char* kReadSettings = "PRAGMA cache_size = -128";
/// A random index (event ids) is written all over: the fewer times its pages go from the log into the file, the better.
constexpr const char* kWriteSettings = "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -12288";

}  // namespace

std::int64_t day_of_row(std::int64_t row_id) { return sql::received_at_of(row_id) / kDayMs; }

bool is_damage(int code) { return code == SQLITE_CORRUPT || code == SQLITE_NOTADB; }

DayFile::DayFile(const std::string& path, Use use)
    : connection_(path, use == Use::kRead ? Connection::DayKind::kExisting : Connection::DayKind::kNew) {
  const bool is_new = connection_.schema_version() == 0;
  if (is_new && use == Use::kWrite) execute(kSchema);
  execute(use == Use::kRead ? kReadSettings : kWriteSettings);
}

void DayFile::fail(int code) const { throw SqliteError(code & 0xFF, sqlite3_errmsg(connection_.handle())); }

DayFile::StatementPtr DayFile::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code);
  return StatementPtr(statement);
}

std::int64_t DayFile::batch_number() {
  Loan number = take("SELECT number FROM batch");
  return number.step() ? number.integer(0) : 0;
}

DayFile::Loan::Loan(DayFile& file, std::string_view sql) : file_(&file) {
  auto found = file.idle_.find(sql);
  if (found == file.idle_.end()) found = file.idle_.try_emplace(std::string(sql)).first;
  idle_ = &found->second;
  if (idle_->empty()) idle_->push_back(file.prepare(sql));
  statement_ = idle_->back().release();
  idle_->pop_back();
}

DayFile::Loan& DayFile::Loan::operator=(Loan&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(idle_, other.idle_);
  std::swap(statement_, other.statement_);
  return *this;
}

DayFile::Loan::~Loan() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  idle_->emplace_back(statement_);
}

bool DayFile::Loan::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) file_->fail(code);
  return false;
}

void DayFile::Loan::run() {
  while (step()) {
  }
}

}  // namespace trapline::collector::sqlite
