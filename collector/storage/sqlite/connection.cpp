#include "collector/storage/sqlite/connection.h"

#include <cstdint>
#include <filesystem>
#include <system_error>

namespace trapline::collector::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

[[noreturn]] void fail(sqlite3* database, int code) {
  throw SqliteError(code & 0xFF, database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

/// Beside a database that was closed, SQLite makes files even to read it. Where there is no room for them it speaks of
/// an I/O error.
std::string advice_on_room(const std::string& path) {
  constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20;
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::absolute(path, error).parent_path(), error);
  if (error || space.available >= kLeastBytes) return {};
  return "; the disk is full: make some megabytes of room and try again, nothing is lost";
}

}  // namespace

Statement::~Statement() { reset(); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) fail(database_, code);
}

void Statement::bind_integer(std::int64_t value) { check(sqlite3_bind_int64(statement_, ++bound_, value)); }

void Statement::bind_null() { check(sqlite3_bind_null(statement_, ++bound_)); }

void Statement::bind_next(std::string_view text) {
  // A null pointer would bind NULL instead of the empty text.
  const char* data = text.data() != nullptr ? text.data() : "";
  check(sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_blob(std::string_view bytes) {
  check(sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_STATIC));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  fail(database_, code);
}

void Statement::reset() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
}

std::string_view Statement::text(int column) const {
  // sqlite3_column_blob gives the bytes of a text column too, and does not stop at a NUL.
  const void* data = sqlite3_column_blob(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Connection::Connection(const std::string& path) {
  sqlite3* database = nullptr;
  // Each connection is used by one thread at a time, so SQLite's own mutexes are left out.
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite3_open_v2(path.c_str(), &database, kFlags, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) {
    throw SqliteError(code & 0xFF,
                      "cannot open the database file " + path + ": " + sqlite3_errstr(code) + advice_on_room(path));
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  try {
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  } catch (const SqliteError& error) {
    throw SqliteError(error.code(),
                      "cannot use the database file " + path + ": " + error.what() + advice_on_room(path));
  }
}

Statement Connection::prepare(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) fail(database_.get(), code);
    found = statements_.emplace(std::string(sql), statement).first;
  }
  return {database_.get(), found->second.get()};
}

void Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_.get(), code);
}

// BEGIN IMMEDIATE takes the write lock at once: a lock taken at the first write could not be waited for.
Transaction::Transaction(Connection& connection) : connection_(connection) { connection_.execute("BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (!is_open_) return;
  try {
    connection_.execute("ROLLBACK");
  } catch (
      const SqliteError&) {  // NOLINT(bugprone-empty-catch): SQLite has rolled back by itself, as it does when full
  }
}

void Transaction::commit() {
  connection_.execute("COMMIT");
  is_open_ = false;
}

}  // namespace trapline::collector::sqlite
