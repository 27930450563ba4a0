#include "collector/storage/sql/event_writer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "collector/storage/sql/archived_days.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_erasure.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {
namespace {

constexpr int kFine = 0;
constexpr int kCoarse = 1;
/// Over this the map of places forgets all: it is a cache.
constexpr std::size_t kMostPlaces = 50'000;

constexpr std::string_view kFindHash =
    "SELECT id, issue_id FROM issue_hash WHERE project_id = ? AND kind = ? AND hash = ?";
constexpr std::string_view kInsertCoarseHash =
    "INSERT INTO issue_hash (project_id, kind, hash, issue_id) VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING";
constexpr std::string_view kInsertFineHash =
    "INSERT INTO issue_hash (project_id, kind, hash, issue_id, coarse_id) VALUES (?, 0, ?, ?, ?) RETURNING id";
// Its counts are added at the batch's end, with those of issues that were there.
constexpr std::string_view kInsertIssue = R"(
  INSERT INTO issue (project_id, title, type, value, culprit, platform, level, count, stored_count, first_seen, last_seen,
                     assignee)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, ?8, ?9)
  RETURNING id)";
constexpr std::string_view kInsertEvent = R"(
  INSERT INTO event (id, project_id, hash_id, event_id, data) VALUES (?1, ?2, ?3, ?4, ?5))";
constexpr std::string_view kIsStored = "SELECT 1 FROM event WHERE project_id = ? AND event_id = ? AND id >= ?";
constexpr std::string_view kIsStoredOnDay =
    "SELECT 1 FROM event WHERE project_id = ? AND event_id = ? AND id >= ? AND id < ?";
constexpr std::string_view kIsCounted = "SELECT 1 FROM event_counted WHERE project_id = ? AND event_id = ?";

std::string place_key(const DigestedEvent& event) { return std::to_string(event.project_id) + ' ' + event.fingerprint; }

}  // namespace

EventWriter::EventWriter(Connection& connection) : connection_(connection), names_(connection), search_(connection) {}

void EventWriter::forget() {
  places_.clear();
  names_.forget();
  days_.clear();
  search_.forget();
  counted_only_.clear();
  row_id_base_ = -1;
}

AppendOutcome EventWriter::append(std::span<const DigestedEvent> batch, std::span<const std::string* const> packed,
                                  const Keeping& keeping, std::string_view node, UnixMillis now) {
  AppendOutcome outcome;
  look_around(batch);
  std::unordered_map<std::int64_t, HashTally> tallies;
  std::unordered_set<IssueId> new_issues;
  Ledger ledger;
  std::unordered_map<ProjectId, bool> live_projects;
  const std::int64_t position = digest_position(connection_, node);
  bool is_anew = false;
  for (std::size_t index = 0; index < batch.size(); ++index) {
    const DigestedEvent& event = batch[index];
    if (!is_live(event.project_id, live_projects)) {
      ++outcome.left_out;
      continue;
    }
    Ledger::Line& line = ledger.line(event);
    Placed place = look_up_place(event);
    const Fate fate = write(event, *packed[index], keeping, place, new_issues, now);
    const bool was_given_before = event.sequence > 0 && event.sequence <= position;
    is_anew = is_anew || (was_given_before && fate != Fate::kKnown);
    if (fate == Fate::kKnown) {
      ++(was_given_before ? outcome.repeated : outcome.duplicates);
      if (!was_given_before) ++line.duplicates;
      continue;
    }
    const bool is_kept = fate == Fate::kKept;
    ++(is_kept ? outcome.stored : outcome.counted_only);
    ++(is_kept ? line.stored : line.counted_only);
    // What is found by it, and how many users there are, would grow without bounds.
    const bool is_bare = !is_kept && keeping.budget.is_full();
    tallies.try_emplace(place.hash_id, place.hash_id, place.issue_id).first->second.add(event, is_kept, !is_bare);
    if (!is_bare) search_.add(place.hash_id, event, event.received_at);
  }
  for (const auto& [issue, addition] : write_tallies(tallies, new_issues)) {
    const auto changes = update_issue(connection_, addition, now);
    outcome.counted_on.push_back({issue, addition.tallies.front()->newest().project_id});
    outcome.changes.insert(outcome.changes.end(), changes.begin(), changes.end());
  }
  search_.write();
  forget_counted(keeping.budget.ids_kept_from());
  outcome.new_issues = new_issues.size();
  ledger.write(connection_);
  if (!batch.empty()) move_digest_position(connection_, node, batch.back().sequence, is_anew);
  return outcome;
}

/// What is added to each issue, after its hashes' rows were written.
std::unordered_map<IssueId, IssueAddition> EventWriter::write_tallies(
    const std::unordered_map<std::int64_t, HashTally>& tallies, const std::unordered_set<IssueId>& new_issues) {
  std::unordered_map<IssueId, IssueAddition> additions;
  std::vector<const HashTally*> all;
  all.reserve(tallies.size());
  for (const auto& [hash_id, tally] : tallies) {
    tally.write(connection_, names_);
    IssueAddition& addition = additions[tally.issue_id()];
    addition.tallies.push_back(&tally);
    addition.is_new = new_issues.contains(tally.issue_id());
    if (!ahead_) addition.new_users += tally.write_users(connection_);
    all.push_back(&tally);
  }
  if (!ahead_) return additions;
  for (const auto& [issue, users] : write_users(connection_, all)) additions[issue].new_users = users;
  std::vector<IssueId> issues;
  issues.reserve(additions.size());
  for (const auto& [issue, addition] : additions) issues.push_back(issue);
  for (const auto& [issue, counts] : counts_before(connection_, issues)) additions[issue].before = counts;
  return additions;
}

/// Stores the event, or counts it, unless it is known; a known one leaves no trace, not even a hash. `place` is where
/// its hash leads, and is made when there is none.
EventWriter::Fate EventWriter::write(const DigestedEvent& event, const std::string& packed, const Keeping& keeping,
                                     Placed& place, std::unordered_set<IssueId>& new_issues, UnixMillis now) {
  const std::string id = event_id_bytes(event.event_id);
  if (is_known(event, id)) return Fate::kKnown;
  const bool is_first = place.hash_id == 0;
  if (is_first) {
    place = make_place(event, new_issues);
    keeping.budget.made_group();
  }
  if (takes_events(event.received_at) && keeping.budget.has_room(is_first) && (!keeping.rule || keeping.rule(event))) {
    keep(event, id, place.hash_id, packed);
    keeping.budget.kept(packed.size());
    return Fate::kKept;
  }
  count_only(event, id, now);
  return Fate::kCountedOnly;
}

std::optional<EventWriter::Placed> EventWriter::look_up(ProjectId project, int kind, const std::string& hash) {
  Statement statement = connection_.prepare(kFindHash);
  statement.bind(project, kind, std::string_view(hash));
  if (!statement.step()) return std::nullopt;
  return Placed{statement.integer(0), statement.integer(1)};
}

/// What others may have changed since the last batch.
void EventWriter::look_around(std::span<const DigestedEvent> batch) {
  look_around();
  if (connection_.is_remote()) ahead_.emplace(connection_, batch);
  if (ahead_ || has_counted_only_) return;
  has_counted_only_ = connection_.prepare("SELECT 1 FROM event_counted LIMIT 1").step();
}

void EventWriter::look_around() {
  ahead_.reset();
  const std::int64_t epoch = place_epoch(connection_);
  if (epoch != epoch_) forget();
  epoch_ = epoch;
  row_id_base_ = -1;
}

/// Asked once a batch: events of a project may come out of the spool after it was deleted.
bool EventWriter::is_live(ProjectId project, std::unordered_map<ProjectId, bool>& known) {
  const auto found = known.find(project);
  if (found != known.end()) return found->second;
  const bool is_live = connection_.prepare("SELECT 1 FROM live_project WHERE id = ?").bind(project).step();
  return known.emplace(project, is_live).first->second;
}

/// Where the event's fine hash leads.
EventWriter::Placed EventWriter::look_up_place(const DigestedEvent& event) {
  std::string key = place_key(event);
  if (const auto found = places_.find(key); found != places_.end()) return found->second;
  const auto fine = look_up(event.project_id, kFine, event.fingerprint);
  if (!fine) return {};
  remember(std::move(key), *fine);
  return *fine;
}

/// A place for an event whose fine hash is new: the issue that its coarse hash leads to, or that the grouping's version
/// before would have said, and then its fine hash leads there from now on; else a new issue.
EventWriter::Placed EventWriter::make_place(const DigestedEvent& event, std::unordered_set<IssueId>& new_issues) {
  std::optional<Placed> other;
  if (!event.coarse_fingerprint.empty()) other = look_up(event.project_id, kCoarse, event.coarse_fingerprint);
  for (const std::string& older : event.older_fingerprints) {
    if (!other) other = look_up(event.project_id, kFine, older);
  }
  Placed place;
  place.issue_id = other ? other->issue_id : make_issue(event);
  if (!other) new_issues.insert(place.issue_id);
  place.hash_id = add_hashes(event, place.issue_id);
  remember(place_key(event), place);
  return place;
}

void EventWriter::remember(std::string key, Placed place) {
  if (places_.size() >= kMostPlaces) places_.clear();
  places_.emplace(std::move(key), place);
}

IssueId EventWriter::make_issue(const DigestedEvent& event) {
  Statement insert = connection_.prepare(kInsertIssue);
  insert.bind(event.project_id, std::string_view(event.title), std::string_view(event.type),
              std::string_view(event.value), std::string_view(event.culprit), std::string_view(event.platform),
              static_cast<int>(event.level), event.timestamp, std::string_view(event.assignee));
  insert.step();
  return insert.integer(0);
}

/// Makes the event's hashes lead to the issue. Answers the fine one's id.
std::int64_t EventWriter::add_hashes(const DigestedEvent& event, IssueId issue) {
  std::optional<std::int64_t> coarse;
  if (!event.coarse_fingerprint.empty()) {
    connection_.prepare(kInsertCoarseHash)
        .bind(event.project_id, std::string_view(event.coarse_fingerprint), issue)
        .run();
    coarse = look_up(event.project_id, kCoarse, event.coarse_fingerprint).value().hash_id;
  }
  Statement insert = connection_.prepare(kInsertFineHash);
  insert.bind(event.project_id, std::string_view(event.fingerprint), issue, coarse);
  insert.step();
  return insert.integer(0);
}

bool EventWriter::is_known(const DigestedEvent& event, std::string_view id) {
  if (ahead_) return ahead_->contains(event.project_id, id);
  Statement stored = connection_.prepare(kIsStored);
  stored.bind(event.project_id);
  stored.bind_blob(id);
  stored.bind(first_row_id(event.first_possible_receipt));
  if (stored.step()) return true;
  if (!has_counted_only_) return false;
  Statement counted = connection_.prepare(kIsCounted);
  counted.bind(event.project_id);
  counted.bind_blob(id);
  return counted.step();
}

/// Whether events of that day are kept, and not about to go. Then there is a place for them.
bool EventWriter::takes_events(UnixMillis received_at) {
  const std::int64_t day = start_of(received_at, kDayMs) / kDayMs;
  const auto [known, is_new] = days_.try_emplace(day, true);
  if (!is_new) return known->second;
  bool is_archived = false;
  {
    Statement state = connection_.prepare("SELECT is_leaving, archived FROM event_day WHERE day = ?");
    state.bind(day);
    if (state.step()) {
      known->second = state.integer(0) == 0;
      is_archived = state.integer(1) != kNotArchived;
    }
  }
  if (known->second) connection_.make_event_day(day);
  if (known->second && is_archived) leave_archive(connection_, day);
  return known->second;
}

void EventWriter::keep(const DigestedEvent& event, std::string_view id, std::int64_t hash_id,
                       const std::string& packed) {
  Statement insert = connection_.prepare(kInsertEvent);
  insert.bind(next_row_id(event.received_at), event.project_id, hash_id);
  insert.bind_blob(id);
  insert.bind_blob(packed);
  insert.run();
  if (ahead_) ahead_->add(event.project_id, id);
  ++next_row_id_;
}

void EventWriter::count_only(const DigestedEvent& event, std::string_view id, UnixMillis now) {
  Statement insert =
      connection_.prepare("INSERT INTO event_counted (project_id, event_id, received_at) VALUES (?, ?, ?)");
  insert.bind(event.project_id);
  insert.bind_blob(id);
  // It may come again after a kill: an id that is as old as the event might be forgotten by then.
  insert.bind(std::max(event.received_at, now));
  insert.run();
  has_counted_only_ = true;
  ++counted_only_[event.project_id];
  if (ahead_) ahead_->add(event.project_id, id);
}

/// Above the limit of bytes, older ids go with those that come, some more of them: retention alone would be too slow.
void EventWriter::forget_counted(UnixMillis before) {
  for (const auto& [project, count] : counted_only_) {
    if (before == 0) break;
    connection_.prepare(kForgetCounted).bind(project, before, 2 * count).run();
  }
  counted_only_.clear();
}

/// The id for an event of that time: behind all that are there of the same millisecond.
std::int64_t EventWriter::next_row_id(UnixMillis received_at) {
  const std::int64_t base = first_row_id(received_at);
  if (const auto row = ahead_ ? ahead_->take_row(base) : std::nullopt) return *row;
  if (base == row_id_base_) return next_row_id_;
  Statement last = connection_.prepare("SELECT max(id) FROM event WHERE id >= ? AND id < ?");
  last.bind(base, first_row_id(received_at + 1));
  last.step();
  row_id_base_ = base;
  next_row_id_ = last.is_null(0) ? base : last.integer(0) + 1;
  return next_row_id_;
}

RestoreOutcome EventWriter::restore(std::int64_t day, std::span<const DigestedEvent> batch,
                                    std::span<const std::string* const> packed, UnixMillis kept_until, UnixMillis now) {
  RestoreOutcome outcome;
  look_around();
  const bool is_there = open_restored_day(day);
  std::unordered_set<IssueId> new_issues;
  std::unordered_map<ProjectId, bool> live_projects;
  struct Group {
    Placed place;
    std::vector<const DigestedEvent*> events;
  };
  std::unordered_map<std::int64_t, Group> groups;
  for (std::size_t index = 0; index < batch.size(); ++index) {
    const DigestedEvent& event = batch[index];
    const std::string id = event_id_bytes(event.event_id);
    if (!is_live(event.project_id, live_projects)) {
      ++outcome.left_out;
      continue;
    }
    if (is_stored_on(day, event.project_id, id)) {
      ++outcome.known;
      continue;
    }
    Placed place = look_up_place(event);
    if (place.hash_id == 0) place = make_place(event, new_issues);
    keep(event, id, place.hash_id, *packed[index]);
    Group& group = groups[place.hash_id];
    group.place = place;
    group.events.push_back(&event);
    ++outcome.restored;
  }
  keep_restored_day(day, is_there, kept_until);
  std::unordered_map<std::int64_t, HashTally> tallies;
  for (const auto& [hash_id, group] : groups) count_restored(hash_id, group.place.issue_id, group.events, tallies, now);
  for (const auto& [issue, addition] : write_tallies(tallies, new_issues)) update_issue(connection_, addition, now);
  search_.write();
  return outcome;
}

/// Makes a place for events of the day. Answers whether there was one.
bool EventWriter::open_restored_day(std::int64_t day) {
  bool is_there = false;
  {
    Statement state = connection_.prepare("SELECT is_leaving FROM event_day WHERE day = ?");
    state.bind(day);
    is_there = state.step();
    if (is_there && state.integer(0) != 0) {
      throw Refusal("day_leaving",
                    "the events of " + day_text(day) +
                        " are just being removed: try again when the collector's log says that they are gone");
    }
  }
  if (!is_there) connection_.make_event_day(day);
  return is_there;
}

/// A day that was not there is in the archive with all that it has. To be called when it has events: SQLite makes it
/// with the first one.
void EventWriter::keep_restored_day(std::int64_t day, bool was_there, UnixMillis kept_until) {
  if (!was_there) {
    connection_.prepare("UPDATE event_day SET archived = ?1 WHERE day = ?2").bind(kArchived, day).run();
    end_place_epoch(connection_);  // writers that know the day look at it again
  }
  connection_.prepare("UPDATE event_day SET kept_until = max(kept_until, ?1), thinned_to = 0 WHERE day = ?2")
      .bind(kept_until, day)
      .run();
}

bool EventWriter::is_stored_on(std::int64_t day, ProjectId project, std::string_view id) {
  Statement stored = connection_.prepare(kIsStoredOnDay);
  stored.bind(project);
  stored.bind_blob(id);
  stored.bind(first_row_of_day(day), first_row_of_day(day + 1));
  return stored.step();
}

/// Events that were counted when they came are kept again, and nothing else. What a hash has more of than were ever
/// counted, as one has that is made anew, is counted now.
void EventWriter::count_restored(std::int64_t hash_id, IssueId issue, std::span<const DigestedEvent* const> events,
                                 std::unordered_map<std::int64_t, HashTally>& tallies, UnixMillis now) {
  std::int64_t counted = 0;
  {
    Statement counts = connection_.prepare("SELECT count - stored_count FROM issue_hash WHERE id = ?");
    counts.bind(hash_id);
    if (counts.step())
      counted = std::clamp<std::int64_t>(counts.integer(0), 0, static_cast<std::int64_t>(events.size()));
  }
  if (counted > 0) lower_kept(connection_, hash_id, -counted);
  // As if they had been here now: else those users would be forgotten at once.
  for (const DigestedEvent* event : events.first(static_cast<std::size_t>(counted))) search_.add_users(*event, now);
  for (const DigestedEvent* event : events.subspan(static_cast<std::size_t>(counted))) {
    tallies.try_emplace(hash_id, hash_id, issue).first->second.add(*event, true);
    search_.add(hash_id, *event, now);
  }
}

}  // namespace trapline::collector::sql
