#pragma once

/// Sees to it that nothing is kept for longer than it shall be, nor more than there is room for: in steps so small that
/// digestion, which writes by the same connection, hardly waits. A step first looks what to do, reading only, and then
/// does a part of it. What it had planned may be gone by then: every change says what it depends on.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/retention.h"
#include "collector/storage/sql/byte_budget.h"
#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/payload_dictionaries.h"

namespace trapline::collector::sql {

/// Not thread-safe; there is one for a store.
class Retainer {
 public:
  Retainer(PayloadDictionaries& dictionaries, const ByteBudget& budget)
      : dictionaries_(dictionaries), budget_(budget) {}

  /// Finds out what the next act is, unless one is under way. Reads, and does what needs no transaction of the
  /// writer's: giving room back to the disk.
  void look(Connection& reader, const RetentionPolicy& policy, UnixMillis now, RetentionStep& step);

  /// Whether what is next depends on what came of the last act: the budget is to be measured anew for it.
  [[nodiscard]] bool must_measure() const;

  /// Whether act() has something to do.
  [[nodiscard]] bool has_act() const { return act_ != Act::kNone; }
  /// Does a part of it, in a transaction of some milliseconds.
  void act(Connection& writer, RetentionStep& step);

  /// Forgets what it was about: it failed.
  void forget();

 private:
  enum class Act {
    kNone,
    kLeave,      ///< `day_` is to go
    kLower,      ///< count its events as not kept
    kDetach,     ///< nobody sees the day any more
    kForgetDay,  ///< its events are gone from the disk
    kErase,      ///< `rows_`
    kExpire,     ///< what else came of `project_` before `before_`
    kThinned,    ///< `day_` is thinned to `most_`
    kMerge,      ///< the pieces of the index of `merging_`
    kShow,       ///< `overviews_`
  };
  struct Day {
    std::int64_t day = 0;
    std::int64_t leaving = 0;
    std::int64_t lowered_hash = 0;
    std::int64_t thinned_to = 0;
    bool is_archived = false;
    UnixMillis kept_until = 0;  ///< 0, unless it was brought back from the archive
  };
  struct Project {
    ProjectId id = 0;
    std::int64_t days = 0;  ///< 0: for ever
  };

  void read_state(Connection& reader, const RetentionPolicy& policy);
  bool look_for_leaving(Connection& reader, RetentionStep& step);
  bool look_for_old_day(UnixMillis now, RetentionStep& step);
  bool look_for_old_events(Connection& reader, UnixMillis now, RetentionStep& step);
  bool plan_old_events(Connection& reader, const Project& project, UnixMillis now, RetentionStep& step);
  bool look_for_old_items(UnixMillis now, std::int64_t today);
  bool look_for_counted(Connection& reader, UnixMillis now);
  bool look_for_pieces(Connection& reader, UnixMillis now);
  bool look_for_overviews(Connection& reader);
  void plan_expiry(ProjectId project, UnixMillis before, std::span<const std::string_view> deletes);
  bool look_for_room(Connection& reader, UnixMillis now, RetentionStep& step);
  bool thin_today(Connection& reader, UnixMillis now, RetentionStep& step);
  bool go_on_thinning(Connection& reader, RetentionStep& step);
  void begin_thinning(Connection& reader, const Day& day, std::int64_t most, RetentionStep& step);
  void choose_rows(Connection& reader, std::int64_t hash, std::int64_t count);
  void leave(std::int64_t day, const std::string& why, RetentionStep& step);
  [[nodiscard]] const Day* find_day(std::int64_t day) const;
  bool must_wait(const Day& day, RetentionStep& step) const;
  [[nodiscard]] bool has_no_room_to_wait() const;
  bool may_make_room(const Day& day, bool& goes_unarchived, RetentionStep& step) const;
  bool drop_for_room(const Day& day, const std::string& why, RetentionStep& step);
  [[nodiscard]] std::int64_t first_day_with_texts() const;

  void lower(Connection& writer);
  void erase(Connection& writer, RetentionStep& step);
  [[nodiscard]] bool may_erase(Connection& writer, std::span<const std::int64_t> rows) const;
  void expire(Connection& writer);
  void merge(Connection& writer);
  void show(Connection& writer);

  PayloadDictionaries& dictionaries_;
  const ByteBudget& budget_;
  std::vector<Day> days_;  ///< as the last look found them, oldest first; the same of projects
  std::vector<Project> projects_;
  bool has_archive_ = false;  ///< as the policy says; the same of the next
  bool archive_fails_ = false;
  std::int64_t longest_days_ = 0;  ///< that a project keeps events; 0: for ever

  Act act_ = Act::kNone;
  std::int64_t day_ = 0;
  std::int64_t most_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> kept_;  ///< of the leaving day: events by hash, in its order
  std::size_t next_kept_ = 0;
  std::vector<std::int64_t> rows_;
  std::size_t next_row_ = 0;
  bool erases_unarchived_ = false;  ///< whether rows_ may have some that are not in the archive
  std::size_t slice_ = 32;  ///< how many rows or hashes a transaction takes; grows and shrinks with what that costs
  ProjectId project_ = 0;
  UnixMillis before_ = 0;
  std::span<const std::string_view> deletes_;  ///< what is left to be done of them

  std::optional<std::int64_t> thinning_;                       ///< the day
  std::deque<std::pair<std::int64_t, std::int64_t>> to_thin_;  ///< its hashes that have too many, and how many
  std::int64_t thinned_ = 0;                                   ///< events, of this day
  std::optional<std::int64_t> compacting_;
  std::optional<std::int64_t> removing_;  ///< a day that nobody sees any more
  ProjectId items_project_ = 0;           ///< the last that look_for_old_items() has taken
  UnixMillis next_item_look_ = 0;
  ProjectId counted_project_ = 0;  ///< the last that look_for_counted() has taken
  UnixMillis next_counted_look_ = 0;
  UnixMillis next_look_at_today_ = 0;
  std::optional<UnixMillis> merging_;  ///< a week of texts
  std::optional<UnixMillis> failed_merge_;
  UnixMillis merges_after_ = 0;  ///< a week that could not be merged: until then weeks up to it are passed over
  UnixMillis merges_all_at_ = 0;
  struct Overview {
    IssueId issue = 0;
    std::int64_t count = 0;  ///< that the issue had
    std::string text;
  };
  std::vector<Overview> overviews_;         ///< that rows of issues lack
  std::int64_t limit_ = 0;                  ///< bytes, as the last look had it
  bool was_within_limit_ = false;           ///< of this limit
  std::int64_t bytes_before_thinning_ = 0;  ///< a day, if that was the last thing done
  bool leaves_unarchived_ = false;          ///< the day that kLeave is about; the same of thinning_
  bool thins_unarchived_ = false;
  bool is_first_merge_ = false;  ///< of merging_
};

}  // namespace trapline::collector::sql
