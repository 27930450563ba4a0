#include "collector/storage/sqlite/event_days.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/time_span.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector::sqlite {
namespace {

namespace fs = std::filesystem;

// Kinds of `batch_row`.
constexpr int kMadeRow = 1;
constexpr int kMadeRowsFrom = 3;
/// More files than these are opened anew for each question.
constexpr std::size_t kMostIdle = 100;
/// A batch has events of one day, or of two around midnight; a backlog is written day by day.
constexpr std::size_t kMostWriting = 3;

constexpr std::string_view kEnding = ".db";

void bind(sqlite3_stmt* statement, const EventDays::Row& row) {
  sqlite3_bind_int64(statement, 1, row.id);
  int parameter = 2;
  for (sqlite3_value* value : {row.project_id, row.hash_id, row.event_id, row.data, row.summary}) {
    sqlite3_bind_value(statement, parameter++, value);
  }
}

/// What was there stays beside the file that takes its place, for who can read it.
void move_damaged(const std::string& path) {
  std::string target = path + ".damaged";
  for (int number = 2; fs::exists(target); ++number) target = path + ".damaged-" + std::to_string(number);
  for (const char* ending : {"", "-wal", "-shm"}) {
    std::error_code none;
    fs::rename(path + ending, target + ending, none);
  }
}

}  // namespace

std::string day_folder(const std::string& database_path) { return database_path + ".days"; }

std::string day_path(const std::string& folder, std::int64_t day) {
  return folder + "/" + sql::day_text(day) + std::string(kEnding);
}

std::vector<std::int64_t> days_with_file(const std::string& folder) {
  std::vector<std::int64_t> days;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with(kEnding)) continue;
    const auto time = core::parse_timestamp(name.substr(0, name.size() - kEnding.size()) + "T00:00:00Z");
    if (time && sql::day_text(*time / kDayMs) + std::string(kEnding) == name) days.push_back(*time / kDayMs);
  }
  std::sort(days.begin(), days.end());
  return days;
}

// --- DayPool ---------------------------------------------------------------------------------------------------------

std::unique_ptr<DayFile> DayPool::take(std::int64_t day, bool is_known) {
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    if (bad_.contains(day)) return nullptr;
    generation = generations_[day];
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& idle) { return idle.day == day; });
    if (found != idle_.rend()) {
      std::unique_ptr<DayFile> file = std::move(found->file);
      idle_.erase(std::next(found).base());
      lent_[file.get()] = generation;
      return file;
    }
  }
  const std::string path = day_path(folder_, day);
  if (!fs::exists(path)) {
    if (is_known) set_aside(day, "the file is missing");
    return nullptr;
  }
  try {
    auto file = std::make_unique<DayFile>(path, DayFile::Use::kRead);
    if (!file->has_tables()) {
      if (is_known) set_aside(day, "the file is empty");
      return nullptr;
    }
    const std::lock_guard lock(mutex_);
    lent_[file.get()] = generation;
    return file;
  } catch (const SqliteError& error) {
    if (!is_damage(error.code())) throw;
    set_aside(day, error.what());
    return nullptr;
  }
}

void DayPool::give_back(std::int64_t day, std::unique_ptr<DayFile> file) {
  std::unique_ptr<DayFile> surplus;  // closed without the lock
  const std::lock_guard lock(mutex_);
  const auto lent = lent_.extract(file.get());
  const bool is_current = !lent.empty() && lent.mapped() == generations_[day] && !bad_.contains(day);
  if (!is_current) {
    surplus = std::move(file);
    return;
  }
  if (idle_.size() >= kMostIdle) {
    surplus = std::move(idle_.front().file);
    idle_.erase(idle_.begin());
  }
  idle_.push_back({day, std::move(file)});
}

void DayPool::set_aside(std::int64_t day, const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (!bad_.insert(day).second) return;
  troubles_[day] = "the events of " + sql::day_text(day) + " in " + day_path(folder_, day) + " are left out: " + why;
}

void DayPool::forget(std::int64_t day) {
  std::vector<Idle> closed;
  const std::lock_guard lock(mutex_);
  ++generations_[day];
  bad_.erase(day);
  const auto first =
      std::stable_partition(idle_.begin(), idle_.end(), [&](const Idle& idle) { return idle.day != day; });
  std::move(first, idle_.end(), std::back_inserter(closed));
  idle_.erase(first, idle_.end());
}

bool DayPool::is_set_aside(std::int64_t day) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains(day);
}

std::uint64_t DayPool::generation(std::int64_t day) const {
  const std::lock_guard lock(mutex_);
  const auto found = generations_.find(day);
  return found == generations_.end() ? 0 : found->second;
}

std::vector<std::string> DayPool::troubles() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> texts;
  for (const auto& [day, text] : troubles_) texts.push_back(text);
  return texts;
}

// --- Reading ---------------------------------------------------------------------------------------------------------

EventDays::Reading::Reading(EventDays& days, std::int64_t day, bool is_known) : days_(&days), day_(day) {
  const auto own = days.writing_.find(day);
  if (own != days.writing_.end() && own->second.is_open) {
    file_ = own->second.file.get();
    return;
  }
  lent_ = days.pool_->take(day, is_known);
  file_ = lent_.get();
}

EventDays::Reading::~Reading() {
  if (lent_ != nullptr) days_->pool_->give_back(day_, std::move(lent_));
}

EventDays::Reading& EventDays::Reading::operator=(Reading&& other) noexcept {
  std::swap(days_, other.days_);
  std::swap(day_, other.day_);
  std::swap(file_, other.file_);
  std::swap(lent_, other.lent_);
  return *this;
}

// --- EventDays -------------------------------------------------------------------------------------------------------

EventDays::EventDays(sqlite3* database, std::shared_ptr<DayPool> pool) : database_(database), pool_(std::move(pool)) {}

EventDays::~EventDays() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
}

sqlite3_stmt* EventDays::on_database(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  if (statement == nullptr && sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) != SQLITE_OK) {
    throw SqliteError(sqlite3_errcode(database_) & 0xFF, sqlite3_errmsg(database_));
  }
  return statement;
}

std::int64_t EventDays::ask_database(const char* sql) {
  sqlite3_stmt* statement = on_database(sql);
  const int code = sqlite3_step(statement);
  const std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  sqlite3_reset(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) throw SqliteError(code & 0xFF, sqlite3_errmsg(database_));
  return value;
}

void EventDays::tell_database(const char* sql, std::int64_t value) {
  sqlite3_stmt* statement = on_database(sql);
  sqlite3_bind_int64(statement, 1, value);
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  if (code != SQLITE_DONE) throw SqliteError(code & 0xFF, sqlite3_errmsg(database_));
}

std::vector<std::int64_t> EventDays::list(std::int64_t from, std::int64_t to) {
  if (!knows_days_) {
    known_days_.clear();
    sqlite3_stmt* statement = on_database("SELECT day FROM event_day WHERE is_leaving < 2 ORDER BY day");
    while (sqlite3_step(statement) == SQLITE_ROW) known_days_.push_back(sqlite3_column_int64(statement, 0));
    sqlite3_reset(statement);
    knows_days_ = batch_ != 0;  // nobody else writes meanwhile
  }
  const auto first = std::lower_bound(known_days_.begin(), known_days_.end(), from);
  const auto last = std::upper_bound(first, known_days_.end(), to);
  return {first, last};
}

DayFile& EventDays::open_for_writing(std::int64_t day) {
  Writing& writing = writing_[day];
  const std::uint64_t generation = pool_->generation(day);
  const bool begins_anew = pool_->is_set_aside(day);
  const bool is_current = writing.generation == generation && !begins_anew;
  if (writing.file != nullptr && (writing.is_open || is_current)) return *writing.file;
  writing.file.reset();
  if (writing_.size() > kMostWriting) {
    std::erase_if(writing_, [&](const auto& other) { return other.first != day && !other.second.is_open; });
  }
  const std::string path = day_path(pool_->folder(), day);
  if (fs::create_directories(pool_->folder())) fs::permissions(pool_->folder(), fs::perms::owner_all);
  if (begins_anew) move_away(day);
  try {
    writing.file = std::make_unique<DayFile>(path, DayFile::Use::kWrite);
  } catch (const SqliteError& error) {
    if (!is_damage(error.code())) throw;
    pool_->set_aside(day, error.what());
    move_away(day);
    writing.file = std::make_unique<DayFile>(path, DayFile::Use::kWrite);
  }
  writing.generation = pool_->generation(day);
  return *writing.file;
}

/// The day's file within the transaction at hand.
DayFile& EventDays::begin(std::int64_t day) {
  if (needs_recovery_) throw SqliteError(SQLITE_IOERR, "the last transaction was not committed as a whole");
  if (batch_ == 0) {
    const std::int64_t last = ask_database("SELECT number FROM event_batch");
    tell_database("UPDATE event_batch SET number = ?1", last + 1);
    batch_ = last + 1;
  }
  Writing& writing = writing_[day];
  if (writing.is_open) return *writing.file;  // mostly: asked for each event
  DayFile& file = open_for_writing(day);
  file.execute("BEGIN IMMEDIATE");
  writing.is_open = true;
  writing.is_synced = false;
  writing.made_from.reset();
  if (file.batch_number() >= batch_) {
    const auto hashes = take_back(file);
    touched_.insert(touched_.end(), hashes.begin(), hashes.end());
  } else {
    file.take("DELETE FROM batch_row").run();
  }
  auto number = file.take("UPDATE batch SET number = ?1");
  sqlite3_bind_int64(number.get(), 1, batch_);
  number.run();
  tell_database("INSERT OR IGNORE INTO event_day (day) VALUES (?1)", day);
  if (knows_days_ && !std::binary_search(known_days_.begin(), known_days_.end(), day)) {
    known_days_.insert(std::upper_bound(known_days_.begin(), known_days_.end(), day), day);
  }
  return file;
}

/// Within the file's transaction: what its last one made goes again. The hashes that it touched stay noted, should this
/// one be the next that is not committed as a whole.
std::vector<std::int64_t> EventDays::take_back(DayFile& file) {
  file.take("DELETE FROM event WHERE id IN (SELECT id FROM batch_row WHERE kind = 1)").run();
  file.take("DELETE FROM event WHERE id >= (SELECT id FROM batch_row WHERE kind = 3)").run();
  file.take("DELETE FROM batch_row WHERE kind <> 2").run();
  std::vector<std::int64_t> hashes;
  auto touched = file.take("SELECT DISTINCT id FROM batch_row WHERE kind = 2");
  while (touched.step()) hashes.push_back(touched.integer(0));
  return hashes;
}

std::vector<std::int64_t> EventDays::recover() {
  touched_.clear();
  const std::int64_t last = ask_database("SELECT number FROM event_batch");
  for (const std::int64_t day : days_with_file(pool_->folder())) {
    try {
      DayFile file(day_path(pool_->folder(), day), DayFile::Use::kRead);
      if (file.batch_number() <= last) continue;
    } catch (const SqliteError& error) {
      // A kill while the file was made leaves one without tables, which is an error of the question.
      if (!is_damage(error.code()) && error.code() != SQLITE_ERROR) throw;
      if (is_damage(error.code())) pool_->set_aside(day, error.what());
      continue;
    }
    begin(day);
  }
  return std::exchange(touched_, {});
}

void EventDays::put_off_recovery() {
  roll_back();
  needs_recovery_ = true;
}

void EventDays::note(DayFile& file, int kind, std::int64_t id) {
  auto note = file.take("INSERT INTO batch_row (kind, id) VALUES (?1, ?2)");
  sqlite3_bind_int(note.get(), 1, kind);
  sqlite3_bind_int64(note.get(), 2, id);
  note.run();
}

void EventDays::note_hash_of(DayFile& file, std::int64_t row_id) {
  auto note = file.take("INSERT INTO batch_row (kind, id) SELECT 2, hash_id FROM event WHERE id = ?1");
  sqlite3_bind_int64(note.get(), 1, row_id);
  note.run();
}

void EventDays::insert(const Row& row) {
  DayFile& file = begin(day_of_row(row.id));
  auto insert =
      file.take("INSERT INTO event (id, project_id, hash_id, event_id, data, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  bind(insert.get(), row);
  note_made(file, row.id);
  insert.run();
}

/// Events mostly come behind all that are there: one note tells of them all.
void EventDays::note_made(DayFile& file, std::int64_t id) {
  std::optional<std::int64_t>& made_from = writing_[day_of_row(id)].made_from;
  if (!made_from) {
    auto last = file.take("SELECT max(id) FROM event");
    last.step();
    made_from = last.integer(0) + 1;
    note(file, kMadeRowsFrom, *made_from);
  }
  if (id < *made_from) note(file, kMadeRow, id);
}

void EventDays::update(const Row& row) {
  DayFile& file = begin(day_of_row(row.id));
  note_hash_of(file, row.id);
  auto update =
      file.take("UPDATE event SET project_id = ?2, hash_id = ?3, event_id = ?4, data = ?5, summary = ?6 WHERE id = ?1");
  bind(update.get(), row);
  update.run();
  note_hash_of(file, row.id);
}

void EventDays::erase(std::int64_t id) {
  DayFile& file = begin(day_of_row(id));
  note_hash_of(file, id);
  auto erase = file.take("DELETE FROM event WHERE id = ?1");
  sqlite3_bind_int64(erase.get(), 1, id);
  erase.run();
}

void EventDays::sync() {
  for (auto& [day, writing] : writing_) {
    if (!writing.is_open) continue;
    writing.file->execute("COMMIT");
    writing.is_synced = true;
  }
}

void EventDays::end() {
  for (auto& [day, writing] : writing_) writing.is_open = writing.is_synced = false;
  batch_ = 0;
  knows_days_ = false;
}

void EventDays::roll_back() {
  for (auto& [day, writing] : writing_) {
    if (writing.is_open && writing.is_synced) needs_recovery_ = true;
    if (writing.is_open && !writing.is_synced)
      sqlite3_exec(writing.file->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  end();
}

void EventDays::move_away(std::int64_t day) {
  if (const auto found = writing_.find(day); found != writing_.end()) found->second.file.reset();
  move_damaged(day_path(pool_->folder(), day));
  pool_->forget(day);
}

void EventDays::remove(std::int64_t day) {
  writing_.erase(day);
  const std::string path = day_path(pool_->folder(), day);
  // The log first: alone it is nothing, while a file without it would be older than it was.
  for (const char* ending : {"-wal", "-shm", ""}) fs::remove(path + ending);
  pool_->forget(day);
}

std::int64_t EventDays::measure_bytes() {
  std::int64_t bytes = 0;
  for (const std::int64_t day : days_with_file(pool_->folder())) {
    const std::string path = day_path(pool_->folder(), day);
    std::error_code none;
    const std::uintmax_t log = fs::file_size(path + "-wal", none);
    if (!none && log > 0) {
      const Reading file = read(day, false);
      if (!file) continue;
      auto pages = file->take("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
      if (pages.step()) bytes += pages.integer(0);
    } else if (const std::uintmax_t size = fs::file_size(path, none); !none) {
      bytes += static_cast<std::int64_t>(size);
    }
  }
  return bytes;
}

bool EventDays::give_back_pages(std::int64_t day) {
  if (pool_->is_set_aside(day)) return false;  // it is not written to, and stays where it is
  DayFile& file = open_for_writing(day);
  file.execute("PRAGMA incremental_vacuum(64)");
  {
    auto left = file.take("PRAGMA freelist_count");
    if (left.step() && left.integer(0) > 0) return true;
  }
  // The file itself becomes shorter when the log goes into it.
  file.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  writing_.erase(day);
  return false;
}

}  // namespace trapline::collector::sqlite
