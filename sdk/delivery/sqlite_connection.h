#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "sdk/delivery/sqlite_library.h"

namespace trapline::sdk {

/// One connection to a SQLite file, through the loaded library. Not thread-safe. Nothing throws: calls answer whether
/// they worked, and is_corrupt() whether the file is beyond use.
class SqliteConnection {
 public:
  using Value = std::variant<std::int64_t, std::string_view>;

  explicit SqliteConnection(const SqliteLibrary& sqlite) : sqlite_(sqlite) {}
  ~SqliteConnection() { close(); }
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  bool open(const std::string& path);
  void close();
  /// Without moving the log into the file, which takes time.
  void close_for_fork();

  bool execute(const char* sql);
  bool run(const char* sql, std::initializer_list<Value> values);
  /// Calls `take(row)` for every row until it answers false.
  template <class Take>
  bool query(const char* sql, std::initializer_list<Value> values, Take take) {
    sqlite3_stmt* const statement = prepare(sql, values);
    if (statement == nullptr) return false;
    int code = SQLITE_ROW;
    while ((code = sqlite_.step(statement)) == SQLITE_ROW) {
      if (!take(Row(sqlite_, statement))) break;
    }
    return finish(statement, code);
  }
  /// The first column of the first row; 0 when there is none.
  std::int64_t number(const char* sql, std::initializer_list<Value> values = {});

  [[nodiscard]] int changes() const { return sqlite_.changes(database_); }
  [[nodiscard]] std::int64_t last_insert_id() const { return sqlite_.last_insert_rowid(database_); }
  [[nodiscard]] bool is_corrupt() const { return is_corrupt_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  class Row {
   public:
    Row(const SqliteLibrary& sqlite, sqlite3_stmt* statement) : sqlite_(sqlite), statement_(statement) {}
    [[nodiscard]] std::int64_t number(int column) const { return sqlite_.column_int64(statement_, column); }
    /// Valid until the next row.
    [[nodiscard]] std::string_view text(int column) const;

   private:
    const SqliteLibrary& sqlite_;
    sqlite3_stmt* statement_;
  };

 private:
  sqlite3_stmt* prepare(const char* sql, std::initializer_list<Value> values);
  bool finish(sqlite3_stmt* statement, int code);
  bool fail(int code);

  const SqliteLibrary& sqlite_;
  sqlite3* database_ = nullptr;
  std::map<const char*, sqlite3_stmt*> prepared_;  ///< by the literal's address
  bool is_corrupt_ = false;
  std::string error_;
};

}  // namespace trapline::sdk
