#pragma once

/// A thin owner of SQLite's C handles.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <sqlite3.h>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sqlite {

class DayPool;
class EventDays;
class TextIndex;
using sql::Statement;
using sql::Transaction;

/// A failed SQLite call.
class SqliteError : public sql::DatabaseError {
 public:
  /// `code`: SQLite's primary result code, such as SQLITE_FULL.
  SqliteError(int code, const std::string& message);
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

/// One connection to one database file, in WAL mode and with fsync at every commit. Not thread-safe.
class Connection final : public sql::Connection {
 public:
  /// Opens or creates the database of a store, whose events are in files beside it (event_days.h). Connections of one
  /// store share a pool; without one it has its own.
  explicit Connection(const std::string& path, std::shared_ptr<DayPool> pool = nullptr);
  enum class DayKind {
    kNew,       ///< created when it is not there; can give room back to the disk (PRAGMA incremental_vacuum)
    kExisting,  ///< must be there
  };
  /// Opens the file of a day.
  Connection(const std::string& path, DayKind kind);
  ~Connection() override;

  void execute(const std::string& sql) override;
  std::int64_t changes() override { return sqlite3_changes64(database_.get()); }
  void begin() override;
  std::size_t schema_version() override;
  void set_schema_version(std::size_t version) override;
  void remove_event_day(std::int64_t day) override;
  bool compact_event_day(std::int64_t day) override;
  bool is_lost() override;
  sql::TextIndex& text_index() override;
  /// A statement that is not kept for its next use.
  std::unique_ptr<sql::PreparedStatement> prepare_once(std::string_view sql) { return make_statement(sql); }
  /// For what has no wrapper here.
  [[nodiscard]] sqlite3* handle() const { return database_.get(); }
  /// Of a store's database.
  [[nodiscard]] EventDays& days() const { return *days_; }

 protected:
  std::unique_ptr<sql::PreparedStatement> make_statement(std::string_view sql) override;
  void apply_deadline() override;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  void open(const std::string& path, int flags, const char* first_settings);
  static int is_deadline_over(void* connection);

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  std::unique_ptr<EventDays> days_;  ///< gone before the database is, as the index
  std::unique_ptr<TextIndex> text_index_;
};

}  // namespace trapline::collector::sqlite
