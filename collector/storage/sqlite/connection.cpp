#include "collector/storage/sqlite/connection.h"

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "collector/storage/sqlite/event_days.h"
#include "collector/storage/sqlite/event_table.h"
#include "collector/storage/sqlite/text_index.h"

namespace trapline::collector::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 10'000;

[[noreturn]] void fail(sqlite3* database, int code) {
  throw SqliteError(code & 0xFF, database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

sql::DatabaseError::Cause cause_of(int code) {
  using Cause = sql::DatabaseError::Cause;
  if (code == SQLITE_INTERRUPT) return Cause::kDeadline;
  return code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG || code == SQLITE_MISMATCH ? Cause::kRow : Cause::kDatabase;
}

class SqliteStatement final : public sql::PreparedStatement {
 public:
  SqliteStatement(sqlite3* database, std::string_view sql) : database_(database) {
    sqlite3_stmt* statement = nullptr;
    check(sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                             nullptr));
    statement_.reset(statement);
  }

  void bind_integer(int parameter, std::int64_t value) override {
    check(sqlite3_bind_int64(statement_.get(), parameter + 1, value));
  }
  void bind_text(int parameter, std::string_view text) override {
    // A null pointer would bind NULL instead of the empty text.
    const char* data = text.data() != nullptr ? text.data() : "";
    check(sqlite3_bind_text64(statement_.get(), parameter + 1, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind_blob(int parameter, std::string_view bytes) override {
    check(sqlite3_bind_blob64(statement_.get(), parameter + 1, bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  void bind_null(int parameter) override { check(sqlite3_bind_null(statement_.get(), parameter + 1)); }

  bool step() override {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(database_, code);
  }
  void reset() override {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
  }

  [[nodiscard]] std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_.get(), column);
  }
  [[nodiscard]] bool is_null(int column) const override {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  [[nodiscard]] std::string_view text(int column) const override {
    // sqlite3_column_blob gives the bytes of a text column too, and does not stop at a NUL.
    const void* data = sqlite3_column_blob(statement_.get(), column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
  }

 private:
  void check(int code) const {
    if (code != SQLITE_OK) fail(database_, code);
  }

  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// Beside a database that was closed, SQLite makes files even to read it. Where there is no room for them it speaks of
/// an I/O error.
std::string advice(int code, const std::string& path) {
  if (code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_PERM) {
    return "; it and its folder must be there and writable for the user that runs the collector: see to that and try "
           "again, nothing is lost";
  }
  constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20;
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::absolute(path, error).parent_path(), error);
  if (error || space.available >= kLeastBytes) return {};
  return "; the disk is full: make some megabytes of room and try again, nothing is lost";
}

}  // namespace

SqliteError::SqliteError(int code, const std::string& message)
    : sql::DatabaseError(cause_of(code), message), code_(code) {}

Connection::Connection(const std::string& path, std::shared_ptr<DayPool> pool)
    : text_index_(std::make_unique<TextIndex>(*this)) {
  open(path, SQLITE_OPEN_CREATE, "");
  if (pool == nullptr) pool = std::make_shared<DayPool>(day_folder(path));
  days_ = std::make_unique<EventDays>(database_.get(), std::move(pool));
  add_event_table(database_.get(), *days_);
}

Connection::Connection(const std::string& path, DayKind kind) {
  const bool is_existing = kind == DayKind::kExisting;
  // Before there is anything in the file, the log's header included.
  open(path, is_existing ? 0 : SQLITE_OPEN_CREATE, is_existing ? "" : "PRAGMA auto_vacuum = INCREMENTAL; ");
}

Connection::~Connection() {
  forget_statements();
  // While the days still can.
  if (database_ != nullptr && sqlite3_get_autocommit(database_.get()) == 0) {
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Connection::open(const std::string& path, int flags, const char* first_settings) {
  sqlite3* database = nullptr;
  // Each connection is used by one thread at a time, so SQLite's own mutexes are left out.
  const int code =
      sqlite3_open_v2(path.c_str(), &database, flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(database);
  if (code != SQLITE_OK) {
    throw SqliteError(
        code & 0xFF, "cannot open the database file " + path + ": " + sqlite3_errstr(code) + advice(code & 0xFF, path));
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  try {
    execute(first_settings +
            std::string("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
  } catch (const SqliteError& error) {
    throw SqliteError(error.code(),
                      "cannot use the database file " + path + ": " + error.what() + advice(error.code(), path));
  }
}

void Connection::remove_event_day(std::int64_t day) { days_->remove(day); }

bool Connection::compact_event_day(std::int64_t day) { return days_->give_back_pages(day); }

bool Connection::is_lost() { return days_ != nullptr && days_->needs_recovery(); }

sql::TextIndex& Connection::text_index() { return *text_index_; }

int Connection::is_deadline_over(void* connection) {
  const auto end = static_cast<Connection*>(connection)->deadline();
  return end && std::chrono::steady_clock::now() >= *end ? 1 : 0;
}

void Connection::apply_deadline() {
  constexpr int kInstructionsBetween = 4'000;  // some tens of microseconds
  const bool has_end = deadline().has_value();
  sqlite3_progress_handler(database_.get(), has_end ? kInstructionsBetween : 0, has_end ? is_deadline_over : nullptr,
                           this);
}

void Connection::execute(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(database_.get(), code);
}

// BEGIN IMMEDIATE takes the write lock at once: a lock taken at the first write could not be waited for.
void Connection::begin() { execute("BEGIN IMMEDIATE"); }

std::size_t Connection::schema_version() {
  Statement version = prepare("PRAGMA user_version");
  version.step();
  return static_cast<std::size_t>(version.integer(0));
}

void Connection::set_schema_version(std::size_t version) {
  execute("PRAGMA user_version = " + std::to_string(version));
}

std::unique_ptr<sql::PreparedStatement> Connection::make_statement(std::string_view sql) {
  return std::make_unique<SqliteStatement>(database_.get(), sql);
}

}  // namespace trapline::collector::sqlite
