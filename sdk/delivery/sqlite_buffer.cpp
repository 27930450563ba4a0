#include "sdk/delivery/sqlite_buffer.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "sdk/core/clock.h"
#include "sdk/core/file_identity.h"
#include "sdk/delivery/sqlite_connection.h"

namespace trapline::sdk {
namespace {

/// auto_vacuum must be set before the first table; cache_size is in KiB when it is negative.
constexpr const char* kSettings =
    "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
    "PRAGMA cache_size=-256;"
    "PRAGMA temp_store=MEMORY; PRAGMA secure_delete=OFF;";
constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS origins(id INTEGER PRIMARY KEY, run_id TEXT UNIQUE NOT NULL, keeper TEXT NOT NULL,"
    " drained_to INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0,"
    " is_counted INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE IF NOT EXISTS images(id INTEGER PRIMARY KEY, body TEXT UNIQUE NOT NULL);"
    "CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL,"
    " event_id TEXT NOT NULL, origin INTEGER NOT NULL, created INTEGER NOT NULL, held INTEGER NOT NULL,"
    " repeat_count INTEGER NOT NULL DEFAULT 0, repeat_last INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL,"
    " body TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS events_by_origin ON events(origin, id);"
    "CREATE INDEX IF NOT EXISTS events_held ON events(event_id) WHERE held = 1;"
    "CREATE TABLE IF NOT EXISTS outcomes(name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;"
    // By run: of one that lives what became of its events here, of one that is gone all it had counted.
    "CREATE TABLE IF NOT EXISTS run_fates(run_id TEXT NOT NULL, fate TEXT NOT NULL, count INTEGER NOT NULL,"
    " PRIMARY KEY(run_id, fate)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS ledgers(id INTEGER PRIMARY KEY, run_id TEXT UNIQUE NOT NULL, release TEXT NOT NULL,"
    " captured INTEGER NOT NULL, told_captured INTEGER NOT NULL DEFAULT 0, told_dropped INTEGER NOT NULL DEFAULT 0,"
    " told_reached INTEGER NOT NULL DEFAULT 0);"
    "COMMIT;";

/// Runs taken over of whose counters (Told) the server does not know all. ?1 is this run. Fates that only a newer
/// library knows are left to it: they cannot be told here, and would be untold for ever.
std::string select_untold() {
  std::string drops;
  for (std::size_t index = 0; index < kFates; ++index) {
    const auto fate = static_cast<Fate>(index);
    if (fate == Fate::kDelivered || fate == Fate::kRejected) continue;
    drops += (drops.empty() ? "'" : ", '") + std::string(fate_name(fate)) + '\'';
  }
  const auto sum_of = [](const std::string& fates) {
    return "(SELECT COALESCE(SUM(count), 0) FROM run_fates f WHERE f.run_id = l.run_id AND f.fate IN (" + fates + "))";
  };
  return "SELECT l.run_id FROM ledgers l JOIN origins o ON o.run_id = l.run_id WHERE o.keeper = ?1 AND o.run_id != ?1"
         " AND (l.captured > l.told_captured OR " +
         sum_of(drops) + " > l.told_dropped OR " + sum_of("'delivered', 'rejected'") + " > l.told_reached)";
}

class SqliteBuffer final : public EventBuffer {
 public:
  SqliteBuffer(const SqliteLibrary& sqlite, std::string path, std::string run_id, const BufferLimits& limits,
               LedgerCounters& ledger, std::function<void(const std::string&)> report)
      : sqlite_(sqlite),
        path_(std::move(path)),
        run_id_(std::move(run_id)),
        limits_(limits),
        ledger_(ledger),
        report_(std::move(report)) {}

  bool open() {
    for (int attempt = 0; attempt < 2; ++attempt) {
      const bool is_open = sqlite_.open(path_) && sqlite_.execute(kSettings) && sqlite_.execute(kSchema) &&
                           register_run(run_id_, run_id_);
      if (is_open) {
        remember_file();
        rows_ = static_cast<std::uint64_t>(sqlite_.number("SELECT COUNT(*) FROM events"));
        return true;
      }
      if (!sqlite_.is_corrupt()) break;
      set_aside();
    }
    report_("cannot use the offline buffer '" + path_ + "': " + sqlite_.error());
    return false;
  }

  Kept add(const std::string& run_id, std::uint64_t drained_to, const std::vector<NewItem>& items,
           bool /*must_last*/) override {
    const std::unique_lock lock = enter();
    std::uint64_t added = 0;
    const bool is_done = in_transaction([&] {
      added = 0;
      if (!register_run(run_id, run_id_)) return false;
      const std::int64_t origin = sqlite_.number("SELECT id FROM origins WHERE run_id = ?", {std::string_view(run_id)});
      const core::UnixMillis now = core::system_clock().unix_millis();
      for (const NewItem& item : items) {
        const bool is_added =
            sqlite_.run("INSERT INTO events(kind, event_id, origin, created, held, images, body) VALUES(?,?,?,?,?,?,?)",
                        {static_cast<std::int64_t>(item.kind), std::string_view(item.event_id), origin, now,
                         std::int64_t{item.is_held ? 1 : 0}, item.images, std::string_view(item.body)});
        if (!is_added) return false;
        added += item.kind == ItemKind::kEvent ? 1 : 0;
      }
      rows_ += items.size();
      return sqlite_.run(
                 "UPDATE origins SET drained_to = MAX(drained_to, ?), added = added + ? WHERE run_id = ?",
                 {static_cast<std::int64_t>(drained_to), static_cast<std::int64_t>(added), std::string_view(run_id)}) &&
             make_room();
    });
    if (is_done && run_id == run_id_) own_ += added;
    return is_done ? Kept::kDurable : Kept::kNot;
  }

  void lock_for_fork() override {
    mutex_.lock();
    sqlite_.close_for_fork();
    is_closed_for_fork_ = true;
  }
  void unlock_after_fork() override { mutex_.unlock(); }

  Drained drained(const std::string& run_id) override {
    const std::unique_lock lock = enter();
    Drained drained;
    sqlite_.query("SELECT drained_to, added FROM origins WHERE run_id = ?", {std::string_view(run_id)},
                  [&](const SqliteConnection::Row& row) {
                    drained.position = static_cast<std::uint64_t>(row.number(0));
                    drained.events = static_cast<std::uint64_t>(row.number(1));
                    return false;
                  });
    return drained;
  }

  void adopt_from(const std::string& run_id, const std::string& keeper) override {
    const std::unique_lock lock = enter();
    in_transaction([&] {
      const bool is_asked =
          sqlite_.run("UPDATE origins SET keeper = ? WHERE run_id = ? AND keeper = ?",
                      {std::string_view(run_id_), std::string_view(run_id), std::string_view(keeper)});
      return is_asked && (sqlite_.changes() == 0 || release_held(run_id));
    });
  }

  void adopt(const std::string& run_id, const GoneLedger& ledger) override {
    const std::unique_lock lock = enter();
    in_transaction([&] {
      bool is_done = register_run(run_id, run_id_) &&
                     sqlite_.run("UPDATE origins SET keeper = ? WHERE run_id = ?",
                                 {std::string_view(run_id_), std::string_view(run_id)}) &&
                     release_held(run_id);
      // Once: whoever adopts may be killed before the recorder is removed, and then another adopts again.
      is_done = is_done && sqlite_.run("UPDATE origins SET is_counted = 1 WHERE run_id = ? AND is_counted = 0 AND ?",
                                       {std::string_view(run_id), std::int64_t{ledger.captured > 0 ? 1 : 0}});
      if (sqlite_.changes() == 0) return is_done;
      is_done = is_done && add_outcome("captured", ledger.captured) &&
                sqlite_.run("INSERT OR IGNORE INTO ledgers(run_id, release, captured) VALUES(?, ?, ?)",
                            {std::string_view(run_id), std::string_view(ledger.release),
                             static_cast<std::int64_t>(ledger.captured)});
      for (const auto& [fate, count] : ledger.fates) {
        is_done = is_done && add_outcome(fate_name(fate), count) && add_run_fate(run_id, fate, count);
      }
      return is_done;
    });
  }

  RunLedger ledger(const std::string& run_id) override {
    const std::unique_lock lock = enter();
    return read_ledger(run_id);
  }

  std::optional<RunLedger> untold_ledger() override {
    const std::unique_lock lock = enter();
    std::string run_id;
    const std::string without_events =
        select_untold() + " AND NOT EXISTS (SELECT 1 FROM events e WHERE e.origin = o.id AND e.kind = 0)";
    sqlite_.query(keep(without_events + " ORDER BY l.id LIMIT 1"), {std::string_view(run_id_)},
                  [&](const SqliteConnection::Row& row) {
                    run_id = row.text(0);
                    return false;
                  });
    if (run_id.empty()) return std::nullopt;
    return read_ledger(run_id);
  }

  bool note_told(const std::string& run_id, const Told& told) override {
    const std::unique_lock lock = enter();
    return in_transaction([&] {
      return sqlite_.run(
          "UPDATE ledgers SET told_captured = MAX(told_captured, ?2), told_dropped = MAX(told_dropped, ?3),"
          " told_reached = MAX(told_reached, ?4) WHERE run_id = ?1",
          {std::string_view(run_id), static_cast<std::int64_t>(told.captured), static_cast<std::int64_t>(told.dropped),
           static_cast<std::int64_t>(told.reached)});
    });
  }

  std::vector<std::string> other_runs() override {
    const std::unique_lock lock = enter();
    std::vector<std::string> runs;
    sqlite_.query("SELECT run_id, keeper FROM origins WHERE keeper != ?", {std::string_view(run_id_)},
                  [&](const SqliteConnection::Row& row) {
                    runs.emplace_back(row.text(0));
                    runs.emplace_back(row.text(1));
                    return true;
                  });
    return runs;
  }

  std::int64_t put_images(const std::string& debug_meta) override {
    const std::unique_lock lock = enter();
    sqlite_.run("INSERT OR IGNORE INTO images(body) VALUES(?)", {std::string_view(debug_meta)});
    return sqlite_.number("SELECT id FROM images WHERE body = ?", {std::string_view(debug_meta)});
  }

  std::string images(std::int64_t id) override {
    const std::unique_lock lock = enter();
    std::string body;
    sqlite_.query("SELECT body FROM images WHERE id = ?", {id}, [&](const SqliteConnection::Row& row) {
      body = row.text(0);
      return false;
    });
    return body;
  }

  std::vector<RepeatCount> finish_repeats(const std::vector<RepeatCount>& repeats) override {
    if (repeats.empty()) return {};
    const std::unique_lock lock = enter();
    std::vector<RepeatCount> missing;
    const bool is_done = in_transaction([&] {
      missing.clear();
      for (const RepeatCount& repeat : repeats) {
        const bool has_run =
            sqlite_.run("UPDATE events SET held = 0, repeat_count = ?, repeat_last = ? WHERE event_id = ? AND held = 1",
                        {static_cast<std::int64_t>(repeat.count), repeat.last, std::string_view(repeat.event_id)});
        if (!has_run) return false;
        if (sqlite_.changes() == 0) missing.push_back(repeat);
      }
      return true;
    });
    return is_done ? missing : repeats;
  }

  std::vector<BufferedItem> take(ItemKind kind, std::size_t max_items, std::size_t max_bytes) override {
    const std::unique_lock lock = enter();
    std::vector<BufferedItem> items;
    std::size_t bytes = 0;
    const auto take_row = [&](const SqliteConnection::Row& row) {
      BufferedItem item;
      item.id = row.number(0);
      item.kind = kind;
      item.event_id = row.text(1);
      item.body = row.text(2);
      item.images = row.number(3);
      item.repeat_count = static_cast<std::uint64_t>(row.number(4));
      item.repeat_last = row.number(5);
      item.run_id = row.text(6);
      bytes += item.body.size();
      if (!items.empty() && bytes > max_bytes) return false;
      items.push_back(std::move(item));
      return items.size() < max_items;
    };
    sqlite_.query(
        "SELECT e.id, e.event_id, e.body, e.images, e.repeat_count, e.repeat_last, o.run_id FROM events e"
        " JOIN origins o ON o.id = e.origin WHERE o.keeper = ? AND e.held = 0 AND e.kind = ? ORDER BY e.id",
        {std::string_view(run_id_), static_cast<std::int64_t>(kind)}, take_row);
    return items;
  }

  bool remove(const std::vector<BufferedItem>& items, Fate fate) override {
    if (items.empty()) return true;
    const std::unique_lock lock = enter();
    std::uint64_t own = 0;
    const bool is_done = in_transaction([&] {
      std::uint64_t events = 0;
      std::map<std::string, std::uint64_t> by_run;
      for (const BufferedItem& item : items) {
        if (!sqlite_.run("DELETE FROM events WHERE id = ?", {item.id})) return false;
        if (sqlite_.changes() == 0 || item.kind != ItemKind::kEvent) continue;
        ++events;
        ++by_run[item.run_id];
      }
      own = by_run[run_id_];
      for (const auto& [run_id, count] : by_run) {
        if (count > 0 && !add_run_fate(run_id, fate, count)) return false;
      }
      rows_ -= std::min<std::uint64_t>(rows_, items.size());
      return add_outcome(fate_name(fate), events);
    });
    if (!is_done) return false;
    ledger_.count(fate, own);
    own_ -= std::min(own_, own);
    give_space_back();
    return true;
  }

  void evict_old(core::UnixMillis now) override {
    const std::unique_lock lock = enter();
    in_transaction([&] {
      return evict("created < ?", now - limits_.max_age) &&
             sqlite_.run(keep(std::string("DELETE FROM origins WHERE keeper = ?1 AND run_id != ?1 AND id NOT IN"
                                          " (SELECT origin FROM events) AND run_id NOT IN (") +
                              select_untold() + ")"),
                         {std::string_view(run_id_)}) &&
             forget_ledgers() &&
             sqlite_.run(
                 "DELETE FROM images WHERE id NOT IN (SELECT images FROM events)"
                 // The newest stay: a process that lives may have its list's number in mind, and no event here yet.
                 " AND id <= (SELECT MAX(id) FROM images) - 100",
                 {});
    });
  }

  std::size_t own_events() override {
    const std::unique_lock lock = enter();
    return static_cast<std::size_t>(sqlite_.number(
        "SELECT COUNT(*) FROM events WHERE kind = 0 AND origin = (SELECT id FROM origins WHERE run_id = ?)",
        {std::string_view(run_id_)}));
  }

  std::int64_t last_id() override {
    const std::unique_lock lock = enter();
    return sqlite_.number("SELECT COALESCE(MAX(id), 0) FROM events");
  }

  std::int64_t first_id() override {
    const std::unique_lock lock = enter();
    return sqlite_.number(
        "SELECT COALESCE(MIN(e.id), 0) FROM events e JOIN origins o ON o.id = e.origin WHERE o.keeper = ? AND e.held = "
        "0",
        {std::string_view(run_id_)});
  }

 private:
  /// Locks; and opens the file again after a fork.
  std::unique_lock<std::mutex> enter() {
    std::unique_lock lock(mutex_);
    if (is_closed_for_fork_) is_closed_for_fork_ = !(sqlite_.open(path_) && sqlite_.execute(kSettings));
    return lock;
  }

  template <class Work>
  bool in_transaction(Work work) {
    if (sqlite_.is_corrupt()) recover();
    evicted_own_ = 0;
    if (!sqlite_.execute("BEGIN IMMEDIATE")) return recover();
    if (work() && sqlite_.execute("COMMIT")) {
      // Only now have they really left.
      ledger_.count(Fate::kEvicted, evicted_own_);
      own_ -= std::min(own_, evicted_own_);
      return true;
    }
    const std::string error = sqlite_.error();
    const bool is_corrupt = sqlite_.is_corrupt();
    sqlite_.execute("ROLLBACK");
    if (is_corrupt) return recover();
    tell("cannot write to the offline buffer '" + path_ + "': " + error);
    return false;
  }

  /// What still waits for a count will get none: its process is gone.
  bool release_held(const std::string& run_id) {
    return sqlite_.run(
        "UPDATE events SET held = 0 WHERE held = 1 AND origin = (SELECT id FROM origins WHERE run_id = ?)",
        {std::string_view(run_id)});
  }

  bool register_run(const std::string& run_id, const std::string& keeper) {
    return sqlite_.run("INSERT OR IGNORE INTO origins(run_id, keeper) VALUES(?, ?)",
                       {std::string_view(run_id), std::string_view(keeper)});
  }

  bool add_outcome(std::string_view name, std::uint64_t count) {
    if (count == 0) return true;
    return sqlite_.run(
        "INSERT INTO outcomes(name, count) VALUES(?1, ?2)"
        " ON CONFLICT(name) DO UPDATE SET count = count + ?2",
        {name, static_cast<std::int64_t>(count)});
  }

  bool add_run_fate(const std::string& run_id, Fate fate, std::uint64_t count) {
    return sqlite_.run(
        "INSERT INTO run_fates(run_id, fate, count) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(run_id, fate) DO UPDATE SET count = count + ?3",
        {std::string_view(run_id), fate_name(fate), static_cast<std::int64_t>(count)});
  }

  RunLedger read_ledger(const std::string& run_id) {
    RunLedger ledger{run_id, {}};
    sqlite_.query("SELECT release, captured FROM ledgers WHERE run_id = ?", {std::string_view(run_id)},
                  [&](const SqliteConnection::Row& row) {
                    ledger.release = row.text(0);
                    ledger.captured = static_cast<std::uint64_t>(row.number(1));
                    return false;
                  });
    sqlite_.query("SELECT fate, count FROM run_fates WHERE run_id = ?", {std::string_view(run_id)},
                  [&](const SqliteConnection::Row& row) {
                    for (std::size_t fate = 0; fate < kFates; ++fate) {
                      if (row.text(0) != fate_name(static_cast<Fate>(fate))) continue;
                      ledger.fates[fate] = static_cast<std::uint64_t>(row.number(1));
                    }
                    return true;
                  });
    return ledger;
  }

  /// Those that are told in full, and the oldest where no server was there for a thousand runs. Inside a transaction.
  bool forget_ledgers() {
    return sqlite_.run("DELETE FROM ledgers WHERE id <= (SELECT MAX(id) FROM ledgers) - 1000", {}) &&
           sqlite_.run("DELETE FROM ledgers WHERE run_id NOT IN (SELECT run_id FROM origins)", {}) &&
           sqlite_.run("DELETE FROM run_fates WHERE run_id NOT IN (SELECT run_id FROM origins)", {});
  }

  /// Evicts the oldest until the limits hold. Inside a transaction.
  bool make_room() {
    while (true) {
      const auto page_bytes = static_cast<std::uint64_t>(sqlite_.number("PRAGMA page_size"));
      const auto pages = sqlite_.number("PRAGMA page_count") - sqlite_.number("PRAGMA freelist_count");
      const std::uint64_t bytes = static_cast<std::uint64_t>(pages) * page_bytes;
      if (bytes <= limits_.max_bytes && rows_ <= limits_.max_events) return true;
      rows_ = static_cast<std::uint64_t>(sqlite_.number("SELECT COUNT(*) FROM events"));
      std::uint64_t count = rows_ - std::min(rows_, limits_.max_events);
      // A little more than what is over, as the next events need room, too.
      if (bytes > limits_.max_bytes)
        count = std::max(count, rows_ * (bytes - limits_.max_bytes) / bytes + rows_ / 50 + 1);
      if (rows_ == 0 || count == 0) return true;
      if (!evict("id IN (SELECT id FROM events ORDER BY id LIMIT ?)", static_cast<std::int64_t>(count))) return false;
    }
  }

  /// Deletes the events that `condition` names, and counts them. Inside a transaction.
  bool evict(const std::string& condition, std::int64_t value) {
    const std::string selection = " FROM events WHERE " + condition;
    const auto total = sqlite_.number(keep(("SELECT COUNT(*)" + selection + " AND kind = 0")), {value});
    const auto own = sqlite_.number(
        keep("SELECT COUNT(*)" + selection + " AND kind = 0 AND origin = (SELECT id FROM origins WHERE run_id = ?2)"),
        {value, std::string_view(run_id_)});
    const bool is_counted =
        sqlite_.run(keep("INSERT INTO run_fates(run_id, fate, count) SELECT (SELECT run_id FROM origins WHERE id = "
                         "events.origin), 'evicted', COUNT(*)" +
                         selection +
                         " AND kind = 0 AND origin IN (SELECT id FROM origins) GROUP BY origin"
                         " ON CONFLICT(run_id, fate) DO UPDATE SET count = count + excluded.count"),
                    {value});
    if (!is_counted || !sqlite_.run(keep("DELETE" + selection), {value})) return false;
    rows_ -= std::min<std::uint64_t>(rows_, static_cast<std::uint64_t>(sqlite_.changes()));
    evicted_own_ += static_cast<std::uint64_t>(own);
    if (total > 0)
      tell("the offline buffer is full or its events too old: the oldest " + std::to_string(total) + " were dropped");
    return add_outcome(fate_name(Fate::kEvicted), static_cast<std::uint64_t>(total));
  }

  /// Statements are known by their text's address: the few that are put together live as long as the buffer.
  const char* keep(const std::string& sql) { return kept_sql_.try_emplace(sql, 0).first->first.c_str(); }

  /// A file that a long outage made large shrinks again, a little at a time.
  void give_space_back() {
    constexpr std::int64_t kWorthwhile = 256;  // pages
    if (sqlite_.number("PRAGMA freelist_count") > kWorthwhile) sqlite_.execute("PRAGMA incremental_vacuum(256)");
  }

  void remember_file() { file_ = core::file_identity(path_); }

  /// Moves a damaged file out of the way, unless another process has done so.
  void set_aside() {
    sqlite_.close();
    ledger_.count(Fate::kBufferFailed, std::exchange(own_, 0));
    const std::uint64_t now_there = core::file_identity(path_);
    if (now_there == 0 || (file_ != 0 && now_there != file_)) return;
    const std::string aside = path_ + ".corrupt-" + std::to_string(core::system_clock().unix_millis() / 1000);
    std::rename(path_.c_str(), aside.c_str());
    std::remove((path_ + "-wal").c_str());
    std::remove((path_ + "-shm").c_str());
    report_("the offline buffer was damaged: it was set aside as '" + aside + "' and a new one begun");
  }

  /// After a failure: begins a new file when the old one is damaged. Answers false, as nothing was written.
  bool recover() {
    if (!sqlite_.is_corrupt()) {
      tell("cannot write to the offline buffer '" + path_ + "': " + sqlite_.error());
      return false;
    }
    set_aside();
    open();
    return false;
  }

  /// Says a thing once until another thing has to be said.
  void tell(const std::string& sentence) {
    if (sentence == last_told_) return;
    last_told_ = sentence;
    report_(sentence);
  }

  SqliteConnection sqlite_;
  const std::string path_;
  const std::string run_id_;
  const BufferLimits limits_;
  LedgerCounters& ledger_;
  const std::function<void(const std::string&)> report_;
  std::mutex mutex_;
  std::uint64_t rows_ = 0;         ///< about how many there are: other processes add and remove, too. Guarded by mutex_
  std::uint64_t own_ = 0;          ///< events of this run that were added and have not come to an end here
  std::uint64_t evicted_own_ = 0;  ///< by the transaction that is open
  bool is_closed_for_fork_ = false;
  std::uint64_t file_ = 0;  ///< which one it was when it was opened
  std::string last_told_;
  std::map<std::string, int> kept_sql_;
};

}  // namespace

std::unique_ptr<EventBuffer> open_sqlite_buffer(const std::string& path, const std::string& run_id,
                                                const BufferLimits& limits, LedgerCounters& ledger,
                                                std::function<void(const std::string&)> report) {
  const SqliteLibrary* const sqlite = load_sqlite();
  if (sqlite == nullptr) {
    report("events are kept in memory only: SQLite (libsqlite3.so.0) is not installed");
    return nullptr;
  }
  auto buffer = std::make_unique<SqliteBuffer>(*sqlite, path, run_id, limits, ledger, std::move(report));
  if (!buffer->open()) return nullptr;
  return buffer;
}

}  // namespace trapline::sdk
