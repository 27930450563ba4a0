#include "collector/storage/sql/user_search.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <utility>

#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/item_tables.h"
#include "collector/storage/sql/search_writer.h"

namespace trapline::collector::sql {
namespace {

constexpr int kEventsLookedAt = 200;
constexpr int kQuarantinedLookedAt = 20;
constexpr std::size_t kItemsLookedAt = 500;
constexpr std::int64_t kNamesLookedAt = 2'000;
/// Nearly all of the time goes into events.
constexpr std::int64_t kPercentOfEvents = 95;

IssueId issue_of_hash(Connection& reader, std::int64_t hash) {
  Statement issue = reader.prepare("SELECT issue_id FROM issue_hash WHERE id = ?");
  issue.bind(hash);
  return issue.step() ? issue.integer(0) : 0;
}

}  // namespace

std::vector<FoundName> next_names(Connection& reader, FoundName& last) {
  std::vector<FoundName> names;
  Statement rows = reader.prepare(
      "SELECT kind, value, \"user\", last_seen FROM event_user WHERE project_id = ?1 AND "
      "(kind, value, \"user\") > (?2, ?3, ?4) ORDER BY kind, value, \"user\" LIMIT ?5");
  rows.bind(last.name.project_id, static_cast<std::int64_t>(last.name.field), std::string_view(last.name.value),
            last.user, kNamesLookedAt);
  while (rows.step()) {
    names.push_back(
        {{last.name.project_id, static_cast<UserField>(rows.integer(0)), std::string(rows.text(1)), rows.integer(3)},
         rows.integer(2)});
  }
  rows.reset();
  if (!names.empty()) last = names.back();
  return names;
}

bool UserSearch::look(Connection& reader, UserFindings& found) {
  switch (stage_) {
    case Stage::kBegin:
      begin(reader);
      break;
    case Stage::kEvents:
      look_at_events(reader, found);
      break;
    case Stage::kQuarantine:
      look_at_quarantine(reader, found);
      break;
    case Stage::kFeedback:
      look_at_items(reader, ItemKind::kFeedback, found);
      break;
    case Stage::kSessions:
      look_at_items(reader, ItemKind::kSession, found);
      break;
    case Stage::kSessionCounts:
      look_at_items(reader, ItemKind::kSessions, found);
      break;
    case Stage::kNames:
      look_at_names(reader, found);
      break;
    case Stage::kEnd:
      break;
  }
  return stage_ != Stage::kEnd;
}

void UserSearch::begin(Connection& reader) {
  Statement projects = reader.prepare("SELECT id FROM live_project ORDER BY id");
  while (projects.step()) {
    if (!user_.project || *user_.project == projects.integer(0)) projects_.push_back(projects.integer(0));
  }
  Statement first = reader.prepare("SELECT id FROM event ORDER BY id LIMIT 1");
  if (first.step()) first_row_ = first.integer(0);
  begin_stage(projects_.empty() ? Stage::kEnd : Stage::kEvents);
}

void UserSearch::begin_stage(Stage stage) {
  stage_ = stage;
  project_ = 0;
  row_ = 0;
  cursor_.clear();
  last_name_ = {};
  last_name_.user = std::numeric_limits<std::int64_t>::min();
}

void UserSearch::go_on() {
  const std::size_t next = project_ + 1;
  const bool goes_by_project = stage_ != Stage::kEvents && stage_ != Stage::kQuarantine;
  begin_stage(stage_);
  if (goes_by_project && next < projects_.size()) {
    project_ = next;
    return;
  }
  begin_stage(static_cast<Stage>(static_cast<int>(stage_) + 1));
  percent_ = stage_ == Stage::kEnd ? 100 : static_cast<int>(kPercentOfEvents) + static_cast<int>(stage_) - 2;
}

bool UserSearch::is_wanted(ProjectId project) const {
  return std::binary_search(projects_.begin(), projects_.end(), project);
}

void UserSearch::look_at_events(Connection& reader, UserFindings& found) {
  const std::int64_t end = first_row_id(until_);
  Statement rows = reader.prepare(user_.project ? "SELECT id, project_id, event_id, hash_id, data, summary FROM event "
                                                  "WHERE project_id = ?4 AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3"
                                                : "SELECT id, project_id, event_id, hash_id, data, summary FROM event "
                                                  "WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3");
  rows.bind(row_, end, kEventsLookedAt);
  if (user_.project) rows.bind(*user_.project);
  int count = 0;
  for (; rows.step(); ++count) {
    row_ = rows.integer(0);
    if (!is_wanted(rows.integer(1))) continue;
    try {
      FoundEvent one{row_, rows.integer(3), read_event(reader, parts_.dictionaries, rows, true)};
      if (tells_of(user_, parts_.reader, one.stored.event)) found.events.push_back(std::move(one));
    } catch (const DatabaseError&) {
      throw;
    } catch (const std::exception&) {
      ++unreadable_;
    }
  }
  rows.reset();
  for (FoundEvent& one : found.events) one.stored.issue_id = issue_of_hash(reader, one.hash_id);
  if (count < kEventsLookedAt) return go_on();
  const std::int64_t span = std::max<std::int64_t>(1, (end - first_row_) / kPercentOfEvents);
  percent_ = static_cast<int>(std::min(kPercentOfEvents, (row_ - first_row_) / span));
}

void UserSearch::look_at_quarantine(Connection& reader, UserFindings& found) {
  Statement rows = reader.prepare(
      "SELECT id, project_id, event_id, received_at, tries, error, payload FROM quarantined_event WHERE id > ? "
      "ORDER BY id LIMIT ?");
  rows.bind(row_, kQuarantinedLookedAt);
  int count = 0;
  for (; rows.step(); ++count) {
    row_ = rows.integer(0);
    FoundQuarantined one{row_, {}};
    QuarantinedEvent& event = one.event;
    event.project_id = rows.integer(1);
    if (!is_wanted(event.project_id)) continue;
    event.event_id = rows.text(2);
    event.received_at = rows.integer(3);
    event.tries = static_cast<int>(rows.integer(4));
    event.error = rows.text(5);
    try {
      std::string opened;
      event.payload = unpack_bytes(
          parts_.contents.sealer().open(rows.text(6), quarantine_place(event.project_id, event.event_id), opened));
    } catch (const std::exception&) {
      ++unreadable_;
      continue;
    }
    if (is_of_user(event)) found.quarantined.push_back(std::move(one));
  }
  if (count < kQuarantinedLookedAt) go_on();
}

/// What could not be digested may be no JSON: then the address anywhere in it will do.
bool UserSearch::is_of_user(const QuarantinedEvent& event) const {
  try {
    return user_.matches_any(parts_.reader.read_user(event.payload));
  } catch (const std::exception&) {
    return std::any_of(user_.values.begin(), user_.values.end(), [&](const auto& value) {
      const bool tells = value.first == UserField::kEmail || value.first == UserField::kIpAddress;
      return tells && event.payload.find(value.second) != std::string::npos;
    });
  }
}

void UserSearch::look_at_items(Connection& reader, ItemKind kind, UserFindings& found) {
  ItemQuery query{.project_id = projects_[project_], .kind = kind, .limit = kItemsLookedAt, .cursor = cursor_};
  Page<StoredItem> page = find_items(reader, query, parts_.contents);
  for (StoredItem& item : page.items) {
    if (is_of_user(item)) found.items.push_back(std::move(item));
  }
  cursor_ = std::move(page.next_cursor);
  if (cursor_.empty()) go_on();
}

bool UserSearch::is_of_user(const StoredItem& item) const {
  if (const auto* report = std::get_if<UserReport>(&item.content)) {
    return user_.matches(UserField::kEmail, report->email) || user_.matches(UserField::kUsername, report->name);
  }
  std::string_view user;
  if (const auto* session = std::get_if<SessionUpdate>(&item.content)) user = session->user;
  if (const auto* counts = std::get_if<SessionCounts>(&item.content)) user = counts->user;
  if (user.empty()) return false;
  // A client's own choice of what tells users apart.
  return user_.matches_text(user) || std::any_of(user_.values.begin(), user_.values.end(), [&](const auto& value) {
           return parts_.reader.session_user(item.project_id, value.second) == user;
         });
}

void UserSearch::look_at_names(Connection& reader, UserFindings& found) {
  last_name_.name.project_id = projects_[project_];
  std::vector<FoundName> names = next_names(reader, last_name_);
  if (names.empty()) return go_on();
  for (FoundName& one : names) {
    const bool is_it = std::any_of(user_.values.begin(), user_.values.end(), [&](const auto& value) {
      return value.first == one.name.field && kept_of_tag(value.second) == one.name.value;
    });
    if (is_it || user_.matches(one.name.field, one.name.value)) found.names.push_back(std::move(one));
  }
}

}  // namespace trapline::collector::sql
