#pragma once

/// The events of a SQLite store: a file for each UTC day of receipt, in a folder beside the database. So a day that is
/// not kept any more goes at once, the index of event ids stays small, and a damaged file costs its day alone.
///
/// A transaction over several files in WAL mode is not atomic: SQLite commits one after the other. So the days are
/// committed first and the database last, which says by `event_batch` which transaction was its last. A day that knows
/// of a later one takes back what that wrote, before anything else is written. Only then the spool, which still has
/// those events, gives them again.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collector/storage/sqlite/day_file.h"

namespace trapline::collector::sqlite {

/// "<database>.days", where the files are.
std::string day_folder(const std::string& database_path);
std::string day_path(const std::string& folder, std::int64_t day);
/// The days that have a file in the folder, in order.
std::vector<std::int64_t> days_with_file(const std::string& folder);

/// Files open for reading, shared by all connections of a process to one database; and what is wrong with some. May be
/// used from any thread.
class DayPool {
 public:
  explicit DayPool(std::string folder) : folder_(std::move(folder)) {}

  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// Nothing when the day's file cannot be used; which is told by troubles(). `is_known`: that it is missing would be
  /// trouble, too.
  std::unique_ptr<DayFile> take(std::int64_t day, bool is_known);
  void give_back(std::int64_t day, std::unique_ptr<DayFile> file);

  /// From now on nobody reads the day.
  void set_aside(std::int64_t day, const std::string& why);
  /// The day's file is another one from now on, or none.
  void forget(std::int64_t day);
  [[nodiscard]] bool is_set_aside(std::int64_t day) const;

  /// What was set aside since the start, in words.
  [[nodiscard]] std::vector<std::string> troubles() const;

  /// How often the day was forgotten: who has its file open for longer looks whether it is still the same.
  [[nodiscard]] std::uint64_t generation(std::int64_t day) const;

 private:
  struct Idle {
    std::int64_t day = 0;
    std::unique_ptr<DayFile> file;
  };
  const std::string folder_;
  mutable std::mutex mutex_;
  std::vector<Idle> idle_;  ///< guarded by mutex_, as the rest; the one used last is the last
  std::set<std::int64_t> bad_;
  std::map<std::int64_t, std::string> troubles_;
  std::map<std::int64_t, std::uint64_t> generations_;
  std::map<const DayFile*, std::uint64_t> lent_;  ///< of which generation
};

/// The days as one connection to the database sees and writes them. Not thread-safe.
class EventDays {
 public:
  /// `database` is the connection's own handle, and outlives this.
  EventDays(sqlite3* database, std::shared_ptr<DayPool> pool);
  ~EventDays();
  EventDays(const EventDays&) = delete;
  EventDays& operator=(const EventDays&) = delete;

  /// A day's file on loan, for reading.
  class Reading {
   public:
    Reading() = default;
    Reading(EventDays& days, std::int64_t day, bool is_known);
    ~Reading();
    Reading(Reading&& other) noexcept { *this = std::move(other); }
    Reading& operator=(Reading&& other) noexcept;
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    explicit operator bool() const { return file_ != nullptr; }
    DayFile& operator*() const { return *file_; }
    DayFile* operator->() const { return file_; }

   private:
    EventDays* days_ = nullptr;
    std::int64_t day_ = 0;
    DayFile* file_ = nullptr;
    std::unique_ptr<DayFile> lent_;  ///< empty: it is the one that this connection writes
  };

  /// The days of the store between the two, in order.
  std::vector<std::int64_t> list(std::int64_t from, std::int64_t to);
  Reading read(std::int64_t day, bool is_known) { return {*this, day, is_known}; }
  /// What reads or writes it finds damage there: it is left out by all, and who writes to it next begins a new file.
  void set_aside(std::int64_t day, const std::string& why) { pool_->set_aside(day, why); }
  /// Moves the day's file away, beside where it was. Not within a transaction.
  void move_away(std::int64_t day);

  struct Row {
    std::int64_t id = 0;
    sqlite3_value* project_id = nullptr;
    sqlite3_value* hash_id = nullptr;
    sqlite3_value* event_id = nullptr;
    sqlite3_value* data = nullptr;
    sqlite3_value* summary = nullptr;
  };
  /// Within a transaction of the connection's.
  void insert(const Row& row);
  void update(const Row& row);
  void erase(std::int64_t id);

  /// The steps of the connection's transaction, as SQLite calls them: what is written here is on disk after sync(),
  /// before the database commits.
  void sync();
  void end();
  void roll_back();

  /// Takes back what was committed here and not in the database: to be called in the first transaction of a connection
  /// that writes. Answers group hashes whose events that transaction had moved or removed, which are to be counted
  /// again.
  std::vector<std::int64_t> recover();
  /// What recover() has done so far is undone, and needs_recovery().
  void put_off_recovery();
  /// Whether a transaction was committed here, and then not in the database: nothing may be written before another
  /// connection has recovered from that.
  [[nodiscard]] bool needs_recovery() const { return needs_recovery_; }
  /// Removes the day's file.
  void remove(std::int64_t day);
  /// Gives some free pages of the day's file back to the disk; false when there are none left.
  bool give_back_pages(std::int64_t day);

  /// What the days' files take, or will when their logs have gone into them.
  std::int64_t measure_bytes();

  [[nodiscard]] DayPool& pool() const { return *pool_; }

 private:
  struct Writing {
    std::unique_ptr<DayFile> file;
    std::uint64_t generation = 0;
    bool is_open = false;                   ///< in a transaction
    bool is_synced = false;                 ///< committed, and the database not yet
    std::optional<std::int64_t> made_from;  ///< rows from this id on are the transaction's own; empty: not asked yet
  };
  DayFile& begin(std::int64_t day);
  DayFile& open_for_writing(std::int64_t day);
  std::vector<std::int64_t> take_back(DayFile& file);
  sqlite3_stmt* on_database(const char* sql);
  void note(DayFile& file, int kind, std::int64_t id);
  void note_made(DayFile& file, std::int64_t id);
  void note_hash_of(DayFile& file, std::int64_t row_id);
  std::int64_t ask_database(const char* sql);
  void tell_database(const char* sql, std::int64_t value);

  sqlite3* database_;
  std::shared_ptr<DayPool> pool_;
  std::map<std::int64_t, Writing> writing_;
  std::vector<std::int64_t> touched_;  ///< by recover(): group hashes
  std::int64_t batch_ = 0;             ///< the transaction's number; 0: it has written nothing yet
  bool needs_recovery_ = false;
  std::map<std::string, sqlite3_stmt*> statements_;  ///< on the database
  std::vector<std::int64_t> known_days_;
  bool knows_days_ = false;  ///< in a transaction that writes
};

}  // namespace trapline::collector::sqlite
