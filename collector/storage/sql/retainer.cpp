#include "collector/storage/sql/retainer.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_erasure.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/slice_timer.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// Rows of a project that are looked up in one go.
constexpr std::size_t kRowsPlanned = 2'000;
constexpr std::chrono::seconds kMeasureInterval{1};
constexpr UnixMillis kItemLookInterval = 600'000;
/// How many events of a group a day keeps at most: thinned to the first number, then to the next, and so on.
constexpr std::int64_t kLevels[] = {100, 30, 10, 3, 1};
/// A day is thinned one level further when it is so many days older.
constexpr std::int64_t kDaysPerLevel = 7;
/// Of more events of a group on a day only so many are looked at, evenly spread; the others go.
constexpr std::int64_t kMostLookedAt = 4'000;
/// Room is made above this part of what may be used, and until it is below.
constexpr double kMakesRoomAbove = 0.95;
/// Above this, it is urgent, and the oldest day goes when thinning one did not help.
constexpr double kUrgentAbove = 1.0;
/// Above this, it goes without further ado, unless it is the limit that has changed.
constexpr double kDropsAbove = 1.03;
/// Above this, with nothing left to go, events are only counted.
constexpr double kFullAbove = 1.02;

constexpr std::int64_t kLeaving = 1;
constexpr std::int64_t kGone = 2;

/// What is deleted of a project's rows from before a time, some at once.
constexpr std::string_view kOldItems[] = {
    R"(DELETE FROM session WHERE project_id = ?1 AND sid IN
       (SELECT sid FROM session WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
    R"(DELETE FROM session_count WHERE item_id IN
       (SELECT item_id FROM session_count WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
    R"(DELETE FROM user_report WHERE item_id IN
       (SELECT item_id FROM user_report WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
    R"(DELETE FROM check_in WHERE project_id = ?1 AND check_in_id IN
       (SELECT check_in_id FROM check_in WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
    R"(DELETE FROM transaction_summary WHERE item_id IN
       (SELECT item_id FROM transaction_summary WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
    R"(DELETE FROM client_loss WHERE item_id IN
       (SELECT item_id FROM client_loss WHERE project_id = ?1 AND timestamp < ?2 LIMIT ?3))",
    R"(DELETE FROM release_user WHERE project_id = ?1 AND (day, "release", environment, user_hash) IN
       (SELECT day, "release", environment, user_hash FROM release_user WHERE project_id = ?1 AND day < ?2 LIMIT ?3))",
    R"(DELETE FROM attachment WHERE id IN
       (SELECT id FROM attachment WHERE project_id = ?1 AND received_at < ?2 LIMIT ?3))",
};

std::int64_t first_row_of_day(std::int64_t day) { return first_row_id(day * kDayMs); }

/// The level that comes after what a day was thinned to; nothing after the last.
std::optional<std::int64_t> next_level(std::int64_t thinned_to) {
  for (const std::int64_t level : kLevels) {
    if (thinned_to == 0 || level < thinned_to) return level;
  }
  return std::nullopt;
}

std::int64_t depth_of(std::int64_t level) {
  return std::find(std::begin(kLevels), std::end(kLevels), level) - std::begin(kLevels);
}

/// What makes an event of a hash a landmark, beside being the first or the newest.
struct TurningPoints {
  std::unordered_map<std::string, UnixMillis> first_in_release;  ///< by the client's clock
  std::vector<UnixMillis> regressions;                           ///< by ours

  TurningPoints(Connection& reader, std::int64_t hash, std::int64_t day) {
    Statement releases = reader.prepare(
        "SELECT version, min(hash_presence.first_seen) FROM hash_presence JOIN \"release\" ON \"release\".id = "
        "release_id "
        "WHERE hash_id = ? GROUP BY version");
    releases.bind(hash);
    while (releases.step()) first_in_release[std::string(releases.text(0))] = releases.integer(1);
    Statement history = reader.prepare(
        "SELECT at FROM issue_history WHERE issue_id = (SELECT issue_id FROM issue_hash WHERE id = ?) "
        "AND kind = 'regressed' AND at >= ? AND at < ? ORDER BY at");
    history.bind(hash, day * kDayMs, (day + 1) * kDayMs);
    while (history.step()) regressions.push_back(history.integer(0));
  }
};

std::int64_t end_row_of(Connection& reader, std::int64_t hash, std::string_view order) {
  Statement row =
      reader.prepare("SELECT id FROM event WHERE hash_id = ? ORDER BY id " + std::string(order) + " LIMIT 1");
  row.bind(hash);
  return row.step() ? row.integer(0) : 0;
}

}  // namespace

void Retainer::forget() {
  act_ = Act::kNone;
  thinning_.reset();
  to_thin_.clear();
}

void Retainer::look(Connection& reader, const RetentionPolicy& policy, UnixMillis now,
                    const std::function<std::int64_t()>& measure, RetentionStep& step) {
  step.bytes_used = bytes_used_;
  if (has_act()) return;
  const std::int64_t today = now / kDayMs;
  read_state(reader, policy);
  const auto measure_now = std::chrono::steady_clock::now();
  // After a day was thinned, what came of it decides what is next.
  if (measure_now - measured_at_ >= kMeasureInterval || (bytes_before_thinning_ > 0 && !thinning_ && !compacting_)) {
    bytes_used_ = measure();
    measured_at_ = measure_now;
  }
  step.bytes_used = bytes_used_;
  const double share = share_of(policy);
  step.is_urgent = share > kUrgentAbove;
  if (policy.most_bytes != limit_) {
    limit_ = policy.most_bytes;
    was_within_limit_ = false;
    bytes_before_thinning_ = 0;
  }
  was_within_limit_ = was_within_limit_ || share <= kUrgentAbove;
  if (share <= kMakesRoomAbove) is_full_ = false;
  step.has_more = look_for_leaving(reader, step) || look_for_old_day(today, step) || go_on_thinning(reader) ||
                  look_for_old_events(reader, today) || look_for_old_items(now, today) ||
                  look_for_room(reader, policy, today, step);
}

double Retainer::share_of(const RetentionPolicy& policy) const {
  return policy.most_bytes > 0 ? static_cast<double>(bytes_used_) / static_cast<double>(policy.most_bytes) : 0;
}

void Retainer::read_state(Connection& reader, const RetentionPolicy& policy) {
  days_.clear();
  Statement days = reader.prepare("SELECT day, is_leaving, lowered_hash, thinned_to FROM event_day ORDER BY day");
  while (days.step()) days_.push_back({days.integer(0), days.integer(1), days.integer(2), days.integer(3)});
  projects_.clear();
  longest_days_ = policy.days;
  Statement projects = reader.prepare("SELECT id, retention_days FROM live_project ORDER BY id");
  while (projects.step()) {
    const std::int64_t own = projects.integer(1);
    projects_.push_back({projects.integer(0), own > 0 ? own : policy.days});
    if (longest_days_ > 0) longest_days_ = std::max(longest_days_, own);
  }
}

/// A day that is on its way out goes on with that.
bool Retainer::look_for_leaving(Connection& reader, RetentionStep& step) {
  if (removing_) {
    reader.remove_event_day(*removing_);
    day_ = *std::exchange(removing_, std::nullopt);
    act_ = Act::kForgetDay;
    step.news = "the events of " + day_text(day_) + " are gone";
    return true;
  }
  const auto leaving = std::find_if(days_.begin(), days_.end(), [](const Day& day) { return day.leaving != 0; });
  if (leaving == days_.end()) return false;
  day_ = leaving->day;
  if (leaving->leaving == kGone) {
    removing_ = day_;
    return look_for_leaving(reader, step);
  }
  kept_.clear();
  next_kept_ = 0;
  std::map<std::int64_t, std::int64_t> counts;
  Statement events = reader.prepare("SELECT hash_id FROM event WHERE id >= ? AND id < ?");
  events.bind(first_row_of_day(day_), first_row_of_day(day_ + 1));
  while (events.step()) {
    if (events.integer(0) > leaving->lowered_hash) ++counts[events.integer(0)];
  }
  kept_.assign(counts.begin(), counts.end());
  act_ = Act::kLower;
  return true;
}

void Retainer::leave(std::int64_t day, const std::string& why, RetentionStep& step) {
  day_ = day;
  act_ = Act::kLeave;
  step.news = "the events of " + day_text(day) + " go: " + why;
}

bool Retainer::look_for_old_day(std::int64_t today, RetentionStep& step) {
  if (longest_days_ == 0 || days_.empty() || days_.front().day >= today - longest_days_) return false;
  leave(days_.front().day, "they are older than " + std::to_string(longest_days_) + " days", step);
  return true;
}

/// Events of projects that keep them for a shorter time than others do.
bool Retainer::look_for_old_events(Connection& reader, std::int64_t today) {
  for (const Project& project : projects_) {
    if (project.days == 0 || days_.empty() || days_.front().day >= today - project.days) continue;
    rows_.clear();
    next_row_ = 0;
    Statement rows = reader.prepare("SELECT id FROM event WHERE project_id = ? AND id < ? ORDER BY id LIMIT ?");
    rows.bind(project.id, first_row_of_day(today - project.days), kRowsPlanned);
    while (rows.step()) rows_.push_back(rows.integer(0));
    if (rows_.empty()) continue;
    act_ = Act::kErase;
    return true;
  }
  return false;
}

/// Everything else that clients send.
bool Retainer::look_for_old_items(UnixMillis now, std::int64_t today) {
  if (now < next_item_look_) return false;
  for (const Project& project : projects_) {
    if (project.days == 0 || project.id <= project_) continue;
    project_ = project.id;
    before_ = (today - project.days) * kDayMs;
    table_ = 0;
    act_ = Act::kExpire;
    return true;
  }
  project_ = 0;
  next_item_look_ = now + kItemLookInterval;
  return false;
}

bool Retainer::go_on_thinning(Connection& reader) {
  if (compacting_) {
    if (!reader.compact_event_day(*compacting_)) compacting_.reset();
    return true;
  }
  if (!thinning_) return false;
  if (to_thin_.empty()) {
    day_ = *std::exchange(thinning_, std::nullopt);
    act_ = Act::kThinned;
    return true;
  }
  const auto [hash, count] = to_thin_.front();
  to_thin_.pop_front();
  choose_rows(reader, hash, count);
  if (!rows_.empty()) act_ = Act::kErase;
  return true;
}

bool Retainer::look_for_room(Connection& reader, const RetentionPolicy& policy, std::int64_t today,
                             RetentionStep& step) {
  const double share = share_of(policy);
  if (days_.empty() || share <= kMakesRoomAbove) return false;
  const std::string why = "the database has " + std::to_string(bytes_used_) + " of " +
                          std::to_string(policy.most_bytes) + " bytes that it may take";
  const Day* next = nullptr;
  std::int64_t least = 0;
  for (const Day& day : days_) {
    if (day.day >= today) continue;
    const auto level = next_level(day.thinned_to);
    if (!level) continue;
    const std::int64_t worth = depth_of(*level) * kDaysPerLevel - (today - day.day);
    if (next != nullptr && worth >= least) continue;
    next = &day;
    least = worth;
  }
  const bool has_old_day = days_.front().day < today;
  // More has come meanwhile than went, and not by the little that thinning itself writes.
  const bool did_not_help = bytes_before_thinning_ > 0 && bytes_used_ >= bytes_before_thinning_ + limit_ / 50;
  const bool must_drop = share > kUrgentAbove && (did_not_help || (was_within_limit_ && share > kDropsAbove));
  if (next != nullptr && !must_drop) {
    bytes_before_thinning_ = bytes_used_;
    begin_thinning(reader, *next, *next_level(next->thinned_to), step);
    return true;
  }
  bytes_before_thinning_ = 0;
  if (has_old_day) {
    leave(days_.front().day, why, step);
    return true;
  }
  // Only today is left. It grows: what it was thinned to before says nothing.
  const Day& day = days_.back();
  const bool was_thinned = day.thinned_to == kLevels[std::size(kLevels) - 1];
  if (was_thinned && share > kFullAbove) is_full_ = true;
  begin_thinning(reader, day, next_level(day.thinned_to).value_or(kLevels[std::size(kLevels) - 1]), step);
  return true;
}

void Retainer::begin_thinning(Connection& reader, const Day& day, std::int64_t most, RetentionStep& step) {
  thinning_ = day.day;
  most_ = most;
  thinned_ = 0;
  to_thin_.clear();
  std::map<std::int64_t, std::int64_t> counts;
  Statement events = reader.prepare("SELECT hash_id FROM event WHERE id >= ? AND id < ?");
  events.bind(first_row_of_day(day.day), first_row_of_day(day.day + 1));
  while (events.step()) ++counts[events.integer(0)];
  for (const auto& [hash, count] : counts) {
    if (count > most) to_thin_.emplace_back(hash, count);
  }
  if (!to_thin_.empty()) {
    step.news = "there is little room: of each group the events of " + day_text(day.day) + " are thinned to the " +
                std::to_string(most) + " that tell the most";
  }
}

/// Fills `rows_` with those of the hash's events on the day that go.
void Retainer::choose_rows(Connection& reader, std::int64_t hash, std::int64_t count) {
  rows_.clear();
  next_row_ = 0;
  const std::int64_t first = end_row_of(reader, hash, "ASC");
  const std::int64_t newest = end_row_of(reader, hash, "DESC");
  const TurningPoints turning_points(reader, hash, *thinning_);
  auto regression = turning_points.regressions.begin();
  const std::int64_t stride = std::max<std::int64_t>(1, count / kMostLookedAt);
  std::vector<EventWorth> worths;
  std::vector<std::int64_t> all;
  {
    Statement events = reader.prepare(
        "SELECT event.id, event.project_id, event_id, hash_id, data, summary FROM event "
        "WHERE hash_id = ? AND event.id >= ? AND event.id < ? ORDER BY event.id");
    events.bind(hash, first_row_of_day(*thinning_), first_row_of_day(*thinning_ + 1));
    for (std::int64_t place = 0; events.step(); ++place) {
      const std::int64_t row = events.integer(0);
      all.push_back(row);
      const bool is_end = row == first || row == newest;
      if (place % stride != 0 && !is_end) continue;
      DigestedEvent event;
      try {
        event = read_event(reader, dictionaries_, events, false).event;
      } catch (const DatabaseError&) {
        throw;
      } catch (const std::exception&) {
        continue;  // its bytes are damaged: it is worth nothing
      }
      // The event that made the issue come back is the last one before that was written down.
      while (regression != turning_points.regressions.end() && received_at_of(row) > *regression) {
        if (!worths.empty()) worths.back().is_landmark = true;
        ++regression;
      }
      const auto since = turning_points.first_in_release.find(event.release);
      const bool is_first_in_release =
          since != turning_points.first_in_release.end() && event.timestamp <= since->second;
      worths.push_back(
          {row, event.timestamp, event.release, event.environment, event.user, is_end || is_first_in_release});
    }
    if (regression != turning_points.regressions.end() && !worths.empty()) worths.back().is_landmark = true;
  }
  const auto kept = choose_worth_keeping(worths, static_cast<std::size_t>(most_));
  std::set_difference(all.begin(), all.end(), kept.begin(), kept.end(), std::back_inserter(rows_));
}

void Retainer::act(Connection& writer, RetentionStep& step) {
  step.has_more = true;
  switch (act_) {
    case Act::kNone:
      return;
    case Act::kLower:
      return lower(writer);
    case Act::kErase:
      return erase(writer, step);
    case Act::kExpire:
      return expire(writer);
    case Act::kLeave:
    case Act::kDetach:
    case Act::kForgetDay:
    case Act::kThinned:
      break;
  }
  if (act_ == Act::kForgetDay) drop_texts_before(writer, (day_ + 1) * kDayMs);  // days go in their order
  Transaction transaction(writer);
  if (act_ == Act::kLeave) {
    writer.prepare("UPDATE event_day SET is_leaving = ?1 WHERE day = ?2 AND is_leaving = 0").bind(kLeaving, day_).run();
    end_place_epoch(writer);  // writers that take the day for an open one ask again
  } else if (act_ == Act::kDetach) {
    writer.prepare("UPDATE event_day SET is_leaving = ?1 WHERE day = ?2").bind(kGone, day_).run();
    removing_ = day_;
  } else if (act_ == Act::kForgetDay) {
    writer.prepare("DELETE FROM event_day WHERE day = ?1 AND is_leaving = ?2").bind(day_, kGone).run();
  } else {
    writer.prepare("UPDATE event_day SET thinned_to = ?1 WHERE day = ?2").bind(most_, day_).run();
    compacting_ = day_;
  }
  transaction.commit();
  act_ = Act::kNone;
}

void Retainer::lower(Connection& writer) {
  const std::size_t end = std::min(next_kept_ + slice_, kept_.size());
  if (next_kept_ == kept_.size()) {
    act_ = Act::kDetach;
    return;
  }
  const SliceTimer timer(slice_);
  Transaction transaction(writer);
  {
    // Another collector on the same database may have been faster.
    Statement day = writer.prepare("SELECT is_leaving, lowered_hash FROM event_day WHERE day = ?");
    day.bind(day_);
    if (!day.step() || day.integer(0) != kLeaving || day.integer(1) >= kept_[next_kept_].first) {
      act_ = Act::kNone;
      return;
    }
  }
  for (std::size_t index = next_kept_; index < end; ++index)
    lower_kept(writer, kept_[index].first, kept_[index].second);
  writer.prepare("UPDATE event_day SET lowered_hash = ?1 WHERE day = ?2").bind(kept_[end - 1].first, day_).run();
  transaction.commit();
  next_kept_ = end;
}

void Retainer::erase(Connection& writer, RetentionStep& step) {
  const std::size_t end = std::min(next_row_ + slice_, rows_.size());
  const SliceTimer timer(slice_);
  Transaction transaction(writer);
  step.erased = erase_events(writer, std::span(rows_).subspan(next_row_, end - next_row_));
  transaction.commit();
  thinned_ += step.erased;
  next_row_ = end;
  if (next_row_ == rows_.size()) act_ = Act::kNone;
}

void Retainer::expire(Connection& writer) {
  const SliceTimer timer(slice_);
  Transaction transaction(writer);
  Statement statement = writer.prepare(kOldItems[table_]);
  statement.bind(project_, before_, slice_);
  statement.run();
  const bool is_done = writer.changes() < static_cast<std::int64_t>(slice_);
  transaction.commit();
  if (!is_done) return;
  if (++table_ == std::size(kOldItems)) act_ = Act::kNone;
}

}  // namespace trapline::collector::sql
