/// What SqlStore does for the sake of the database: what goes with time, into the archive, or at a user's wish.

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/sql/archived_days.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/encryption_keys.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/file_sweep.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/report_key.h"
#include "collector/storage/sql/sql_store_door.h"
#include "collector/storage/sql/user_eraser.h"
#include "collector/storage/sql/user_walk.h"

namespace trapline::collector::sql {
namespace {

/// 13 ms of the writer's time (median, of 60,000 events of 1 KB on two busy cores; 80 ms at the 95th percentile).
constexpr std::int64_t kMostRowsSwept = 1'000;
constexpr std::int64_t kMostFilesSwept = 100;
constexpr UnixMillis kLooksForStraysEvery = UnixMillis{6} * 60 * 60 * 1'000;

}  // namespace

Result<bool> SqlStore::sweep_deleted_projects() {
  // Asked all the time: only when there is something to do the writer's lock is taken.
  auto has_deleted = read([](Connection& connection) { return sql::has_deleted_projects(connection); });
  if (!has_deleted || !*has_deleted) return has_deleted;
  return write([](Connection& connection) { return sql::sweep_deleted_projects(connection, kMostRowsSwept); });
}

Result<RetentionStep> SqlStore::retain(const RetentionPolicy& policy) {
  const std::lock_guard lock(retainer_mutex_);
  RetentionStep step;
  const auto may_work =
      has_fellows() ? write([&](Connection& connection) { return may_retain(connection); }) : Result<bool>(true);
  if (!may_work) return may_work.error();
  const auto looked = read([&](Connection& connection) {
    budget_.look(policy.most_bytes, *may_work && retainer_.must_measure(), [&] { return measure_bytes(connection); });
    step.bytes_used = budget_.used();
    step.is_urgent = budget_.share() > 1;
    step.only_counts = budget_.take_refused();
    if (*may_work) retainer_.look(connection, policy, clock_.unix_millis(), step);
    return true;
  });
  if (!looked) {
    retainer_.forget();
    return looked.error();
  }
  if (!*may_work || !retainer_.has_act()) return step;
  const Status done = write([&](Connection& connection) {
    const auto start = std::chrono::steady_clock::now();
    retainer_.act(connection, step);
    step.held_writer = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  });
  if (!done) {
    retainer_.forget();
    return done.error();
  }
  return step;
}

Result<ArchivePage> SqlStore::find_events_to_archive(const ArchiveQuery& query) {
  return read([&](Connection& connection) { return read_archive_page(connection, dictionaries_, query); });
}

Status SqlStore::begin_archiving(std::int64_t day) {
  const auto begun = write([&](Connection& connection) { return sql::begin_archiving(connection, day); });
  if (!begun) return begun.error();
  return *begun ? Status{} : Status{Error{"not_found", "there are no events of " + day_text(day)}};
}

Result<bool> SqlStore::end_archiving(std::int64_t day) {
  return write([&](Connection& connection) { return sql::end_archiving(connection, day); });
}

Result<RestoreOutcome> SqlStore::restore_events(std::int64_t day, std::span<const DigestedEvent> events,
                                                UnixMillis kept_until) {
  std::vector<std::string> packed_here;
  const auto packed = as_result([&] { return pack_rest(events, packed_here); });
  if (!packed) return packed.error();
  return write([&](Connection& connection) {
    try {
      Transaction transaction(connection);
      const RestoreOutcome outcome = event_writer_->restore(day, events, *packed, kept_until, clock_.unix_millis());
      note_key(connection, sealer_, clock_.unix_millis());
      transaction.commit();
      return outcome;
    } catch (...) {
      event_writer_->forget();  // it may remember what was rolled back
      throw;
    }
  });
}

Result<bool> SqlStore::sweep_files() {
  if (files_ == nullptr) return false;
  if (auto looked = sweep_stray_files(); !looked || *looked) return looked;
  // Asked all the time: only when there is something to do the writer's lock is taken.
  auto has_released = read([](Connection& connection) { return has_released_files(connection); });
  if (!has_released || !*has_released) return has_released;
  const auto hold = as_result([&] { return files_->hold(); });
  if (!hold) return hold.error();
  if (*hold == nullptr) return false;  // somebody copies them
  return write([&](Connection& connection) { return sweep_released_files(connection, *files_, kMostFilesSwept); });
}

/// Now and then: files that a kill has left without a row. False when there were none, or it is not the time.
Result<bool> SqlStore::sweep_stray_files() {
  const UnixMillis now = clock_.unix_millis();
  if (now < next_look_for_strays_) return false;
  next_look_for_strays_ = now + kLooksForStraysEvery;
  const auto strays = read([&](Connection& connection) {
    files_->remove_unfinished(now - kLongestPut);
    return find_stray_files(connection, *files_, now);
  });
  if (!strays) return strays.error();
  if (strays->empty()) return false;
  const auto hold = as_result([&] { return files_->hold(); });
  if (!hold) return hold.error();
  if (*hold == nullptr) return false;
  for (const std::string& address : *strays) {
    const Status status = write([&](Connection& connection) { remove_unnamed_file(connection, *files_, address); });
    if (!status) return status.error();
  }
  return true;
}

Result<std::unique_ptr<UserErasure>> SqlStore::begin_erasure(const UserSelector& user, const PayloadReader& reader,
                                                             bool is_dry) {
  return as_result([&] {
    const UserSearchParts parts{reader, dictionaries_, contents_};
    auto eraser = std::make_unique<UserEraser>(user, parts, clock_.unix_millis() + 1, is_dry);
    if (!is_dry) {
      auto lock = lock_erasures();
      if (lock == nullptr) {
        throw Refusal("conflict", "another purge is at work on this database: start this one when it has ended");
      }
      eraser->hold(std::move(lock));
    }
    return std::unique_ptr<UserErasure>(std::move(eraser));
  });
}

Result<ErasureStep> SqlStore::erase_some(UserErasure& erasure) {
  auto& eraser = static_cast<UserEraser&>(erasure);
  const auto looked = read([&](Connection& connection) { return eraser.look(connection); });
  if (!looked) return looked.error();
  ErasureStep step{.has_more = *looked, .percent = eraser.percent()};
  if (!eraser.has_act()) return step;
  const Status done = write([&](Connection& connection) {
    const auto start = std::chrono::steady_clock::now();
    // Others may have written to the index since.
    connection.text_index().forget();
    try {
      eraser.act(connection);
    } catch (...) {
      connection.text_index().forget();  // it may remember what was rolled back
      throw;
    }
    step.held_writer = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  });
  if (!done) return done.error();
  return step;
}

Result<std::unique_ptr<UserWalk>> SqlStore::begin_walk(const UserSelector& user, const PayloadReader& reader) {
  const UserSearchParts parts{reader, dictionaries_, contents_};
  return std::unique_ptr<UserWalk>(std::make_unique<UserRecords>(user, parts, clock_.unix_millis() + 1));
}

Result<UserPage> SqlStore::walk_on(UserWalk& walk) {
  return read([&](Connection& connection) { return static_cast<UserRecords&>(walk).look(connection); });
}

Result<std::string> SqlStore::report_seed() {
  auto known = read([&](Connection& connection) { return find_report_key(connection, sealer_); });
  if (!known || !known->empty()) return known;
  return write([&](Connection& connection) { return make_report_key(connection, sealer_, clock_.unix_millis()); });
}

}  // namespace trapline::collector::sql
