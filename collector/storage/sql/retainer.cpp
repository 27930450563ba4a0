#include "collector/storage/sql/retainer.h"

#include <algorithm>
#include <map>

#include "collector/storage/sql/archived_days.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_erasure.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_writer.h"
#include "collector/storage/sql/issue_overview.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/slice_timer.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

/// Rows of a project that are looked up in one go.
constexpr std::size_t kRowsPlanned = 2'000;
constexpr UnixMillis kItemLookInterval = 600'000;
constexpr UnixMillis kMergeTriedAgainAfter = 3'600'000;

constexpr std::int64_t kLeaving = 1;
constexpr std::int64_t kGone = 2;

constexpr UnixMillis kCountedLookedAtEvery = 1'000;

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
    kForgetCounted,
    // It tells the day alone on which somebody was seen last.
    R"(DELETE FROM event_user WHERE project_id = ?1 AND (kind, value, "user") IN
       (SELECT kind, value, "user" FROM event_user WHERE project_id = ?1 AND last_seen <= ?2 - CAST(86400000 AS BIGINT) LIMIT ?3))",
};

}  // namespace

void Retainer::forget() {
  thinning_.reset();
  to_thin_.clear();
  compacting_.reset();  // a day that cannot be made smaller must not keep the others from going
  if (act_ == Act::kMerge) failed_merge_ = merging_;
  act_ = Act::kNone;
  merging_.reset();
}

bool Retainer::must_measure() const { return !has_act() && bytes_before_thinning_ > 0 && !thinning_ && !compacting_; }

void Retainer::look(Connection& reader, const RetentionPolicy& policy, UnixMillis now, RetentionStep& step) {
  if (has_act()) return;
  const std::int64_t today = now / kDayMs;
  read_state(reader, policy);
  if (policy.most_bytes != limit_) {
    limit_ = policy.most_bytes;
    was_within_limit_ = false;
    bytes_before_thinning_ = 0;
  }
  was_within_limit_ = was_within_limit_ || budget_.share() <= 1;
  step.has_more = look_for_leaving(reader, step) || look_for_old_day(now, step) ||
                  (budget_.share() > 1 && look_for_counted(reader, now)) || go_on_thinning(reader, step) ||
                  look_for_old_events(reader, now, step) || look_for_old_items(now, today) ||
                  look_for_room(reader, now, step) || look_for_pieces(reader, now) || look_for_overviews(reader);
}

void Retainer::read_state(Connection& reader, const RetentionPolicy& policy) {
  days_.clear();
  has_archive_ = policy.has_archive;
  archive_fails_ = policy.archive_fails;
  Statement days = reader.prepare(
      "SELECT day, is_leaving, lowered_hash, thinned_to, archived, kept_until FROM event_day ORDER BY day");
  while (days.step()) {
    days_.push_back({days.integer(0), days.integer(1), days.integer(2), days.integer(3), days.integer(4) == kArchived,
                     days.integer(5)});
  }
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
  leaves_unarchived_ = !has_archive_;
  step.news = "the events of " + day_text(day) + " go: " + why;
}

const Retainer::Day* Retainer::find_day(std::int64_t day) const {
  const auto found = std::find_if(days_.begin(), days_.end(), [day](const Day& known) { return known.day == day; });
  return found == days_.end() ? nullptr : &*found;
}

/// Whether nothing of the day may go yet: it is not in the archive. The first one that waits is told of.
bool Retainer::must_wait(const Day& day, RetentionStep& step) const {
  if (!has_archive_ || day.is_archived) return false;
  if (!step.to_archive) step.to_archive = day.day;
  return true;
}

bool Retainer::look_for_old_day(UnixMillis now, RetentionStep& step) {
  if (longest_days_ == 0) return false;
  for (const Day& day : days_) {
    if (day.day >= now / kDayMs - longest_days_) return false;
    if (day.kept_until > now) continue;
    if (must_wait(day, step)) return false;
    leave(day.day, "they are older than " + std::to_string(longest_days_) + " days", step);
    return true;
  }
  return false;
}

/// Events of projects that keep them for a shorter time than others do.
bool Retainer::look_for_old_events(Connection& reader, UnixMillis now, RetentionStep& step) {
  for (const Project& project : projects_) {
    if (project.days > 0 && plan_old_events(reader, project, now, step)) return true;
  }
  return false;
}

bool Retainer::plan_old_events(Connection& reader, const Project& project, UnixMillis now, RetentionStep& step) {
  const std::int64_t end = now / kDayMs - project.days;
  // Days that were brought back are passed over: what lies between them is asked for at once.
  std::int64_t from = 0;
  while (!days_.empty() && days_.front().day < end && from < end) {
    std::int64_t before = end;
    std::int64_t next = end;
    for (const Day& day : days_) {
      if (day.day < from || day.day >= end || day.kept_until <= now) continue;
      before = day.day;
      next = day.day + 1;
      break;
    }
    rows_.clear();
    next_row_ = 0;
    Statement rows =
        reader.prepare("SELECT id FROM event WHERE project_id = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?");
    rows.bind(project.id, first_row_of_day(from), first_row_of_day(before), kRowsPlanned);
    while (rows.step()) {
      const Day* day = has_archive_ ? find_day(received_at_of(rows.integer(0)) / kDayMs) : nullptr;
      if (day != nullptr && must_wait(*day, step)) break;
      rows_.push_back(rows.integer(0));
    }
    if (!rows_.empty()) {
      erases_unarchived_ = !has_archive_;
      act_ = Act::kErase;
      return true;
    }
    from = next;
  }
  return false;
}

/// Everything else that clients send.
bool Retainer::look_for_old_items(UnixMillis now, std::int64_t today) {
  if (now < next_item_look_) return false;
  for (const Project& project : projects_) {
    if (project.days == 0 || project.id <= items_project_) continue;
    items_project_ = project.id;
    plan_expiry(project.id, (today - project.days) * kDayMs, kOldItems);
    return true;
  }
  items_project_ = 0;
  next_item_look_ = now + kItemLookInterval;
  return false;
}

/// Ids of events that were only counted: one that is sent again after its id has gone is counted again.
bool Retainer::look_for_counted(Connection& reader, UnixMillis now) {
  if (now < next_counted_look_) return false;
  // For want of room they go at this age, and some earlier: within it, what has had no answer is sent again.
  const UnixMillis before = std::max(now - ByteBudget::kIdsKept, budget_.ids_kept_from());
  for (const Project& project : projects_) {
    if (project.id <= counted_project_) continue;
    counted_project_ = project.id;
    Statement old = reader.prepare("SELECT 1 FROM event_counted WHERE project_id = ? AND received_at < ? LIMIT 1");
    old.bind(project.id, before);
    if (!old.step()) continue;
    plan_expiry(project.id, before, {&kForgetCounted, 1});
    return true;
  }
  // The rest of what there is to do has its turn, however long this has taken.
  counted_project_ = 0;
  next_counted_look_ = now + kCountedLookedAtEvery;
  return false;
}

/// Of a week that is over the index of texts is asked for as long as it is there, and is twice as fast in one piece.
bool Retainer::look_for_pieces(Connection& reader, UnixMillis now) {
  if (failed_merge_) {
    merges_after_ = *failed_merge_;
    merges_all_at_ = now + kMergeTriedAgainAfter;
    failed_merge_.reset();
  }
  const auto week = reader.text_index().week_in_pieces(now < merges_all_at_ ? merges_after_ : -1, now);
  is_first_merge_ = merging_ != week;
  merging_ = week;
  if (week) act_ = Act::kMerge;
  return week.has_value();
}

/// Issues lack it from the versions before, and after they were merged; most get it with their next event.
bool Retainer::look_for_overviews(Connection& reader) {
  constexpr std::int64_t kIssuesAtOnce = 32;
  overviews_.clear();
  {
    Statement rows = reader.prepare("SELECT id, count FROM issue WHERE overview = '' ORDER BY id LIMIT ?");
    rows.bind(kIssuesAtOnce);
    while (rows.step()) overviews_.push_back({rows.integer(0), rows.integer(1), {}});
  }
  for (Overview& one : overviews_) one.text = IssueOverview::read(reader, one.issue).to_text();
  if (!overviews_.empty()) act_ = Act::kShow;
  return !overviews_.empty();
}

void Retainer::plan_expiry(ProjectId project, UnixMillis before, std::span<const std::string_view> deletes) {
  project_ = project;
  before_ = before;
  deletes_ = deletes;
  act_ = Act::kExpire;
}

/// Days go in their order, but for those that were brought back, of which there are no texts.
std::int64_t Retainer::first_day_with_texts() const {
  for (const Day& day : days_) {
    if (day.day != day_ && day.kept_until == 0) return std::min(day.day, day_ + 1);
  }
  return day_ + 1;
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
    case Act::kMerge:
      return merge(writer);
    case Act::kShow:
      return show(writer);
    case Act::kLeave:
    case Act::kDetach:
    case Act::kForgetDay:
    case Act::kThinned:
      break;
  }
  if (act_ == Act::kForgetDay) drop_texts_before(writer, first_day_with_texts() * kDayMs);
  Transaction transaction(writer);
  if (act_ == Act::kLeave) {
    writer
        .prepare("UPDATE event_day SET is_leaving = ?1 WHERE day = ?2 AND is_leaving = 0 AND (archived = ?3 OR ?4 = 1)")
        .bind(kLeaving, day_, kArchived, leaves_unarchived_ ? 1 : 0)
        .run();
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
  const auto rows = std::span(rows_).subspan(next_row_, end - next_row_);
  if (!may_erase(writer, rows)) return forget();
  step.erased = erase_events(writer, rows);
  transaction.commit();
  thinned_ += step.erased;
  next_row_ = end;
  if (next_row_ == rows_.size()) act_ = Act::kNone;
}

/// An event may have come in for one of the days after that was looked at.
bool Retainer::may_erase(Connection& writer, std::span<const std::int64_t> rows) const {
  if (erases_unarchived_) return true;
  std::int64_t last = -1;
  for (const std::int64_t row : rows) {
    const std::int64_t day = received_at_of(row) / kDayMs;
    if (std::exchange(last, day) == day) continue;
    Statement state = writer.prepare("SELECT archived FROM event_day WHERE day = ?");
    state.bind(day);
    if (state.step() && state.integer(0) != kArchived) return false;
  }
  return true;
}

void Retainer::merge(Connection& writer) {
  Transaction transaction(writer);
  if (!writer.text_index().compact(*merging_, is_first_merge_)) writer.text_index().is_in_one_piece(*merging_);
  transaction.commit();
  act_ = Act::kNone;
}

/// Unless the issue has changed meanwhile.
void Retainer::show(Connection& writer) {
  Transaction transaction(writer);
  for (const Overview& one : overviews_) {
    writer.prepare("UPDATE issue SET overview = ? WHERE id = ? AND count = ? AND overview = ''")
        .bind(std::string_view(one.text), one.issue, one.count)
        .run();
  }
  transaction.commit();
  act_ = Act::kNone;
}

void Retainer::expire(Connection& writer) {
  const SliceTimer timer(slice_);
  Transaction transaction(writer);
  Statement statement = writer.prepare(deletes_.front());
  statement.bind(project_, before_, slice_);
  statement.run();
  const bool is_done = writer.changes() < static_cast<std::int64_t>(slice_);
  transaction.commit();
  if (!is_done) return;
  deletes_ = deletes_.subspan(1);
  if (deletes_.empty()) act_ = Act::kNone;
}

}  // namespace trapline::collector::sql
