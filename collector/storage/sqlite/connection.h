#pragma once

/// A thin owner of SQLite's C handles. Inside the rooms that use it failures are exceptions (SqliteError); each room's
/// door turns them into Results.

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sqlite3.h>

namespace trapline::collector::sqlite {

/// A failed SQLite call. `code()` is SQLite's primary result code, such as SQLITE_FULL.
class SqliteError : public std::runtime_error {
 public:
  SqliteError(int code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

/// A prepared statement on loan from its connection's cache; going out of scope resets it. One at a time per SQL text.
class Statement {
 public:
  Statement(sqlite3* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  /// Binds the values to the parameters in order. Text is borrowed until the statement's end.
  template <class... Values>
  Statement& bind(const Values&... values) {
    (bind_next(values), ...);
    return *this;
  }

  template <std::integral T>
  void bind_next(T value) {
    bind_integer(static_cast<std::int64_t>(value));
  }
  void bind_next(std::string_view text);
  /// NULL where there is no value.
  template <class T>
  void bind_next(const std::optional<T>& value) {
    if (value) {
      bind_next(*value);
    } else {
      bind_null();
    }
  }
  void bind_blob(std::string_view bytes);

  /// Goes on to the next row; false at the end.
  bool step();

  /// Runs a statement that has no rows to read.
  void run() {
    while (step()) {
    }
  }

  /// Makes it ready to be bound and run again.
  void reset();

  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Borrowed until the next step().
  [[nodiscard]] std::string_view text(int column) const;

 private:
  void bind_integer(std::int64_t value);
  void bind_null();
  void check(int code) const;

  sqlite3* database_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

/// One connection to one database file, in WAL mode and with fsync at every commit. Not thread-safe.
class Connection {
 public:
  /// Opens or creates the file.
  explicit Connection(const std::string& path);

  Statement prepare(std::string_view sql);
  /// Runs one or more statements without parameters.
  void execute(const std::string& sql);
  /// Rows that the last statement inserted, changed or deleted.
  [[nodiscard]] std::int64_t changes() const { return sqlite3_changes64(database_.get()); }
  [[nodiscard]] std::int64_t last_insert_id() const { return sqlite3_last_insert_rowid(database_.get()); }
  /// How many are kept for their next use.
  [[nodiscard]] std::size_t statements() const { return statements_.size(); }
  /// For what has no wrapper here.
  [[nodiscard]] sqlite3* handle() const { return database_.get(); }

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  /// Found by a text without making a string of it.
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, FinalizeStatement>, TextHash, std::equal_to<>>
      statements_;
};

/// A write transaction; rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Connection& connection);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Connection& connection_;
  bool is_open_ = true;
};

}  // namespace trapline::collector::sqlite
