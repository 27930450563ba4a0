#include "sdk/delivery/sqlite_connection.h"

namespace trapline::sdk {
namespace {

constexpr int kBusyMs = 2'000;  // another process of the same folder writes

}  // namespace

bool SqliteConnection::open(const std::string& path) {
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int code = sqlite_.open_v2(path.c_str(), &database_, flags, nullptr);
  if (code != SQLITE_OK) return fail(code);
  sqlite_.busy_timeout(database_, kBusyMs);
  return true;
}

void SqliteConnection::close() {
  for (const auto& [sql, statement] : prepared_) sqlite_.finalize(statement);
  prepared_.clear();
  if (database_ != nullptr) sqlite_.close_v2(database_);
  database_ = nullptr;
  is_corrupt_ = false;
}

void SqliteConnection::close_for_fork() {
  if (database_ != nullptr)
    sqlite_.db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, static_cast<int*>(nullptr));
  close();
}

bool SqliteConnection::execute(const char* sql) {
  if (database_ == nullptr) return false;
  const int code = sqlite_.exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK || fail(code);
}

bool SqliteConnection::run(const char* sql, std::initializer_list<Value> values) {
  return query(sql, values, [](const Row&) { return true; });
}

std::int64_t SqliteConnection::number(const char* sql, std::initializer_list<Value> values) {
  std::int64_t number = 0;
  query(sql, values, [&](const Row& row) {
    number = row.number(0);
    return false;
  });
  return number;
}

sqlite3_stmt* SqliteConnection::prepare(const char* sql, std::initializer_list<Value> values) {
  if (database_ == nullptr) return nullptr;
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr) {
    const int code = sqlite_.prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) {
      fail(code);
      return nullptr;
    }
  }
  int index = 0;
  for (const Value& value : values) {
    ++index;
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
      sqlite_.bind_int64(statement, index, *number);
    } else {
      const std::string_view text = std::get<std::string_view>(value);
      // Static: the statement has run before the caller's text can go.
      sqlite_.bind_text(statement, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
  }
  return statement;
}

bool SqliteConnection::finish(sqlite3_stmt* statement, int code) {
  const bool is_good = code == SQLITE_DONE || code == SQLITE_ROW || fail(code);
  sqlite_.reset(statement);
  sqlite_.clear_bindings(statement);
  return is_good;
}

bool SqliteConnection::fail(int code) {
  error_ = database_ != nullptr ? sqlite_.errmsg(database_) : "out of memory";
  const int plain_code = code & 0xFF;
  if (plain_code == SQLITE_CORRUPT || plain_code == SQLITE_NOTADB) is_corrupt_ = true;
  return false;
}

std::string_view SqliteConnection::Row::text(int column) const {
  const auto* const bytes = static_cast<const char*>(sqlite_.column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite_.column_bytes(statement_, column));
  return bytes != nullptr ? std::string_view(bytes, size) : std::string_view();
}

}  // namespace trapline::sdk
