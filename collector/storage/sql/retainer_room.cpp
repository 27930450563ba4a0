/// What Retainer does when there is little room: it thins days, and drops them.

#include <algorithm>
#include <iterator>
#include <map>
#include <unordered_map>
#include <utility>

#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/retainer.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// How many events of a group a day keeps at most: thinned to the first number, then to the next, and so on.
constexpr std::int64_t kLevels[] = {100, 30, 10, 3, 1};
/// A day is thinned one level further when it is so many days older.
constexpr std::int64_t kDaysPerLevel = 7;
/// Of more events of a group on a day only so many are looked at, evenly spread; the others go.
constexpr std::int64_t kMostLookedAt = 4'000;
/// Room is made above this part of what may be used, and until it is below.
constexpr double kMakesRoomAbove = 0.95;
/// Above this, the oldest day goes when thinning one did not help.
constexpr double kUrgentAbove = 1.0;
/// When it was thinned as far as can be.
constexpr UnixMillis kLooksAtTodayEvery = 1'000;
/// Above this, it goes without further ado, unless it is the limit that has changed. Less than what ByteBudget gives.
constexpr double kDropsAbove = 1.005;

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

/// Whether the day may be thinned or dropped to make room; `goes_unarchived` when it is not in the archive and should
/// be.
bool Retainer::may_make_room(const Day& day, bool& goes_unarchived, RetentionStep& step) const {
  const auto waiting = step.to_archive;
  goes_unarchived = must_wait(day, step);
  if (!goes_unarchived) return true;
  if (!has_no_room_to_wait()) return false;
  step.to_archive = waiting;
  step.goes_unarchived = true;
  return true;
}

/// Above the limit of bytes, when the archive fails, or is too slow for what comes in.
bool Retainer::has_no_room_to_wait() const {
  const double share = budget_.share();
  return archive_fails_ ? share > kUrgentAbove : was_within_limit_ && share > kDropsAbove;
}

bool Retainer::go_on_thinning(Connection& reader, RetentionStep& step) {
  if (compacting_) {
    // It may have gone meanwhile.
    if (find_day(*compacting_) == nullptr || !reader.compact_event_day(*compacting_)) compacting_.reset();
    return true;
  }
  if (!thinning_) return false;
  // What came in since it was archived is to be there, too.
  const Day* day = find_day(*thinning_);
  if (!thins_unarchived_ && day != nullptr && must_wait(*day, step)) {
    thinning_.reset();
    to_thin_.clear();
    return false;
  }
  if (to_thin_.empty()) {
    day_ = *std::exchange(thinning_, std::nullopt);
    act_ = Act::kThinned;
    return true;
  }
  const auto [hash, count] = to_thin_.front();
  to_thin_.pop_front();
  choose_rows(reader, hash, count);
  erases_unarchived_ = !has_archive_ || thins_unarchived_;
  if (!rows_.empty()) act_ = Act::kErase;
  return true;
}

bool Retainer::look_for_room(Connection& reader, UnixMillis now, RetentionStep& step) {
  const double share = budget_.share();
  if (share <= kMakesRoomAbove) return false;
  if (days_.empty()) return false;
  const std::int64_t today = now / kDayMs;
  const std::string why = "the database has " + std::to_string(budget_.used()) + " of " +
                          std::to_string(budget_.limit()) + " bytes that it may take";
  const auto restored =
      std::find_if(days_.begin(), days_.end(), [&](const Day& day) { return day.kept_until > 0 && day.day < today; });
  if (restored != days_.end()) return drop_for_room(*restored, why, step);
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
  // More has come meanwhile than went, and not by the little that thinning itself writes.
  const bool did_not_help = bytes_before_thinning_ > 0 && budget_.used() >= bytes_before_thinning_ + limit_ / 50;
  const bool must_drop = share > kUrgentAbove && (did_not_help || (was_within_limit_ && share > kDropsAbove));
  if (next != nullptr && !must_drop) {
    if (!may_make_room(*next, thins_unarchived_, step)) return false;
    bytes_before_thinning_ = budget_.used();
    begin_thinning(reader, *next, *next_level(next->thinned_to), step);
    return true;
  }
  if (days_.front().day < today) return drop_for_room(days_.front(), why, step);
  return thin_today(reader, now, step);
}

/// Only today is left. It grows: what it was thinned to before says nothing.
bool Retainer::thin_today(Connection& reader, UnixMillis now, RetentionStep& step) {
  bytes_before_thinning_ = 0;
  const Day& day = days_.back();
  const auto level = next_level(day.thinned_to);
  if (!level) {
    if (now < next_look_at_today_) return false;
    next_look_at_today_ = now + kLooksAtTodayEvery;
  }
  thins_unarchived_ = true;
  begin_thinning(reader, day, level.value_or(kLevels[std::size(kLevels) - 1]), step);
  return true;
}

bool Retainer::drop_for_room(const Day& day, const std::string& why, RetentionStep& step) {
  bool goes_unarchived = false;
  if (!may_make_room(day, goes_unarchived, step)) return false;
  bytes_before_thinning_ = 0;
  leave(day.day, why, step);
  if (goes_unarchived) {
    leaves_unarchived_ = true;
    step.news += "; there is no room to wait until they are in the archive: THEY ARE LOST";
  }
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
  if (to_thin_.empty()) step.goes_unarchived = false;
  if (!to_thin_.empty() && day.thinned_to != most) {
    step.news = "there is little room: of each group the events of " + day_text(day.day) + " are thinned to the " +
                std::to_string(most) + " that tell the most";
    if (step.goes_unarchived) step.news += "; there is no room to wait until they are in the archive: THE REST IS LOST";
  }
}

/// Fills `rows_` with those of the hash's events on the day that go.
void Retainer::choose_rows(Connection& reader, std::int64_t hash, std::int64_t count) {
  rows_.clear();
  next_row_ = 0;
  const std::int64_t first = end_row_of(reader, hash, "ASC");
  const std::int64_t newest = end_row_of(reader, hash, "DESC");
  TurningPoints turning_points(reader, hash, *thinning_);
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
      // One of them: a sender whose clock stands still tells the same time of all.
      if (is_first_in_release) turning_points.first_in_release.erase(since);
      worths.push_back(
          {row, event.timestamp, event.release, event.environment, event.user, is_end || is_first_in_release});
    }
    if (regression != turning_points.regressions.end() && !worths.empty()) worths.back().is_landmark = true;
  }
  const auto kept = choose_worth_keeping(worths, static_cast<std::size_t>(most_));
  std::set_difference(all.begin(), all.end(), kept.begin(), kept.end(), std::back_inserter(rows_));
}

}  // namespace trapline::collector::sql
