#include "collector/storage/sql/user_eraser.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <span>
#include <tuple>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/erasure_rest.h"
#include "collector/storage/sql/event_erasure.h"
#include "collector/storage/sql/issue_tally.h"
#include "collector/storage/sql/item_tables.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/slice_timer.h"

namespace trapline::collector::sql {
namespace {

using Text = std::string_view;

/// The tags of an event, by the ids of their rows.
std::vector<std::int64_t> tags_of(const DigestedEvent& event) {
  std::vector<std::int64_t> tags;
  const auto add = [&](Text key, Text value) {
    if (!key.empty() && !value.empty()) {
      tags.push_back(tag_id(event.project_id, kept_of_tag(key), kept_of_tag(value)));
    }
  };
  for (const auto& [key, value] : event.tags) add(key, value);
  for (const auto& [key, value] : event.context_tags) add(key, value);
  add("server_name", event.server_name);
  add("transaction", event.transaction);
  return tags;
}

std::int64_t count_rows(Connection& connection, Text sql, ProjectId project, Text id) {
  Statement count = connection.prepare(sql);
  count.bind(project, id);
  return count.step() ? count.integer(0) : 0;
}

constexpr Text kCountFiles = "SELECT count(*) FROM attachment WHERE project_id = ? AND event_id = ?";
constexpr Text kCountReports = "SELECT count(*) FROM user_report WHERE project_id = ? AND event_id = ?";

}  // namespace

bool UserEraser::look(Connection& reader) {
  if (has_act()) return true;
  switch (stage_) {
    case Stage::kFind:
      find(reader);
      break;
    case Stage::kUsers:
      plan_users(reader);
      stage_ = Stage::kReleaseUsers;
      break;
    case Stage::kReleaseUsers:
      plan_release_users(reader);
      stage_ = Stage::kSettle;
      break;
    case Stage::kSettle:
      if (settler_.look(reader, users_, acts_)) break;
      for (const auto& [project, count] : settler_.deleted_issues()) counts_[project].issues_deleted = count;
      stage_ = Stage::kNames;
      last_name_.user = std::numeric_limits<std::int64_t>::min();
      break;
    case Stage::kNames:
      plan_names(reader);
      break;
    case Stage::kEnd:
      return false;
  }
  return true;
}

int UserEraser::percent() const {
  constexpr int kPercentOfFinding = 70;
  constexpr int kPercentOfSettling = 28;
  if (stage_ == Stage::kEnd) return 100;
  if (is_dry_) return search_.percent();
  return search_.percent() * kPercentOfFinding / 100 +
         (stage_ == Stage::kSettle || stage_ == Stage::kNames ? settler_.percent() * kPercentOfSettling / 100 : 0);
}

void UserEraser::act(Connection& writer) {
  Transaction transaction(writer);
  {
    // Without the commit: on a slow disk small slices would only make more of them.
    const SliceTimer timer(slice_);
    const std::size_t most = std::min(slice_, acts_.size());
    for (std::size_t done = 0; done < most; ++done) {
      acts_.front()(writer);
      acts_.pop_front();
    }
  }
  // What other writers remember of tags, users and texts may be wrong from now on.
  end_place_epoch(writer);
  transaction.commit();
}

void UserEraser::find(Connection& reader) {
  UserFindings found;
  const bool has_more = search_.look(reader, found);
  if (!knows_users_) know_users();
  for (const FoundEvent& one : found.events) {
    issues_.emplace(one.stored.event.project_id, one.stored.issue_id);
    counts_[one.stored.event.project_id].issues = 0;
  }
  for (const FoundName& one : found.names) users_.emplace(one.name.project_id, one.user);
  if (is_dry_) {
    count_found(reader, found);
  } else {
    for (FoundEvent& one : found.events) plan(one);
    for (FoundQuarantined& one : found.quarantined) plan(one);
    for (const StoredItem& item : found.items) plan(item);
  }
  if (has_more) return;
  for (const auto& [project, issue] : issues_) ++counts_[project].issues;
  stage_ = is_dry_ ? Stage::kEnd : Stage::kUsers;
}

/// Users that are told apart by a value that was given, whether anything more is known of them or not.
void UserEraser::know_users() {
  knows_users_ = true;
  for (const ProjectId project : search_.projects()) {
    for (const auto& value : search_.user().values) {
      users_.emplace(project, user_hash(user_value_text(value)));
      session_users_.emplace(project, user_hash(value.second));
      const std::string hidden = parts_.reader.session_user(project, value.second);
      if (!hidden.empty()) session_users_.emplace(project, user_hash(hidden));
    }
  }
}

void UserEraser::plan(FoundEvent& found) {
  DigestedEvent& event = found.stored.event;
  try {
    parts_.reader.read_facts(event);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): then its own tags are all that is known
  }
  if (!event.user.empty()) users_.emplace(event.project_id, user_hash(event.user));
  std::vector<std::int64_t> tags = tags_of(event);
  event.payload.clear();
  acts_.emplace_back([this, found = std::move(found), tags = std::move(tags)](Connection& writer) {
    erase_event(writer, found, tags);
  });
}

void UserEraser::erase_event(Connection& writer, const FoundEvent& found, const std::vector<std::int64_t>& tags) {
  const DigestedEvent& event = found.stored.event;
  {
    // Retention may have been faster.
    Statement row = writer.prepare("SELECT hash_id FROM event WHERE id = ?");
    row.bind(found.row);
    if (!row.step()) return;
  }
  note_rest(writer, {found.hash_id, RestKind::kHash, 0, event.occurrences});
  for (const std::int64_t tag : tags) note_rest(writer, {found.hash_id, RestKind::kTag, tag, 0});
  if (!event.user.empty()) note_rest(writer, {found.hash_id, RestKind::kUser, user_hash(event.user), 0});
  erase_belongings(writer, event.project_id, event.event_id);
  counts_[event.project_id].events += erase_events(writer, std::span(&found.row, 1));
}

/// Files and reports of an event.
void UserEraser::erase_belongings(Connection& writer, ProjectId project, const std::string& event_id) {
  ErasedCounts& counts = counts_[project];
  counts.attachments += count_rows(writer, kCountFiles, project, event_id);
  counts.feedback += count_rows(writer, kCountReports, project, event_id);
  for (const Text sql : {"DELETE FROM attachment WHERE project_id = ? AND event_id = ?",
                         "DELETE FROM user_report WHERE project_id = ? AND event_id = ?"}) {
    writer.prepare(sql).bind(project, Text(event_id)).run();
  }
}

void UserEraser::plan(FoundQuarantined& found) {
  found.event.payload.clear();
  acts_.emplace_back([this, found = std::move(found)](Connection& writer) {
    const QuarantinedEvent& event = found.event;
    erase_belongings(writer, event.project_id, event.event_id);
    writer.prepare("DELETE FROM quarantined_event WHERE id = ?").bind(found.row).run();
    counts_[event.project_id].quarantined += writer.changes();
  });
}

void UserEraser::plan(const StoredItem& item) {
  acts_.emplace_back([this, item](Connection& writer) {
    ErasedCounts& counts = counts_[item.project_id];
    if (const auto* session = std::get_if<SessionUpdate>(&item.content)) {
      session_users_.emplace(item.project_id, user_hash(session->user));
      writer.prepare("DELETE FROM session WHERE project_id = ? AND sid = ?")
          .bind(item.project_id, Text(session->sid))
          .run();
      counts.sessions += writer.changes();
    } else if (const auto* sessions = std::get_if<SessionCounts>(&item.content)) {
      session_users_.emplace(item.project_id, user_hash(sessions->user));
      writer.prepare("DELETE FROM session_count WHERE item_id = ?").bind(Text(item.item_id)).run();
      counts.sessions += writer.changes();
    } else {
      writer.prepare("DELETE FROM user_report WHERE item_id = ?").bind(Text(item.item_id)).run();
      counts.feedback += writer.changes();
    }
  });
}

void UserEraser::count_found(Connection& reader, const UserFindings& found) {
  for (const FoundEvent& one : found.events) {
    const DigestedEvent& event = one.stored.event;
    ErasedCounts& counts = counts_[event.project_id];
    ++counts.events;
    counts.attachments += count_rows(reader, kCountFiles, event.project_id, event.event_id);
  }
  for (const FoundQuarantined& one : found.quarantined) {
    ++counts_[one.event.project_id].quarantined;
    counts_[one.event.project_id].attachments +=
        count_rows(reader, kCountFiles, one.event.project_id, one.event.event_id);
  }
  // Reports of an event may be the user's by their address, too: each counts once.
  const auto count_reports = [&](ProjectId project, const std::string& event_id) {
    for (const StoredItem& report : find_reports(reader, project, event_id, parts_.contents)) {
      if (told_reports_.insert(report.item_id).second) ++counts_[project].feedback;
    }
  };
  for (const FoundEvent& one : found.events) count_reports(one.stored.event.project_id, one.stored.event.event_id);
  for (const FoundQuarantined& one : found.quarantined) count_reports(one.event.project_id, one.event.event_id);
  for (const StoredItem& item : found.items) {
    const bool is_report = std::holds_alternative<UserReport>(item.content);
    if (is_report && !told_reports_.insert(item.item_id).second) continue;
    ++(is_report ? counts_[item.project_id].feedback : counts_[item.project_id].sessions);
  }
  for (const FoundName& one : found.names) ++counts_[one.name.project_id].names;
}

/// Group hashes that have had the user, also of events that are not kept any more.
void UserEraser::plan_users(Connection& reader) {
  for (const auto& [project, user] : users_) {
    Statement hashes = reader.prepare(
        "SELECT hash_id FROM hash_user JOIN issue_hash ON issue_hash.id = hash_id WHERE \"user\" = ? AND project_id = "
        "?");
    hashes.bind(user, project);
    while (hashes.step()) {
      acts_.emplace_back([hash = hashes.integer(0), user = user](Connection& writer) {
        note_rest(writer, {hash, RestKind::kHash, 0, 0});
        note_rest(writer, {hash, RestKind::kUser, user, 0});
      });
    }
  }
}

void UserEraser::plan_release_users(Connection& reader) {
  for (const auto& [project, user] : session_users_) {
    Statement rows =
        reader.prepare("SELECT day, \"release\", environment FROM release_user WHERE project_id = ? AND user_hash = ?");
    rows.bind(project, user);
    while (rows.step()) {
      acts_.emplace_back([project = project, user = user, day = rows.integer(0), release = std::string(rows.text(1)),
                          environment = std::string(rows.text(2))](Connection& writer) {
        writer
            .prepare(
                "DELETE FROM release_user WHERE project_id = ? AND day = ? AND \"release\" = ? AND environment = ? AND "
                "user_hash = ?")
            .bind(project, day, Text(release), Text(environment), user)
            .run();
      });
    }
  }
}

/// What was known of the users, unless events that remain tell it, too.
void UserEraser::plan_names(Connection& reader) {
  if (project_ == search_.projects().size()) {
    stage_ = Stage::kEnd;
    return;
  }
  const ProjectId project = search_.projects()[project_];
  last_name_.name.project_id = project;
  const auto names = next_names(reader, last_name_);
  if (names.empty()) {
    ++project_;
    last_name_ = {};
    last_name_.user = std::numeric_limits<std::int64_t>::min();
    return;
  }
  for (const FoundName& one : names) {
    if (!users_.contains({project, one.user})) continue;
    if (settler_.told().contains({project, one.name.field, one.name.value, one.user})) continue;
    acts_.emplace_back([this, one](Connection& writer) {
      writer.prepare("DELETE FROM event_user WHERE project_id = ? AND kind = ? AND value = ? AND \"user\" = ?")
          .bind(one.name.project_id, static_cast<std::int64_t>(one.name.field), Text(one.name.value), one.user)
          .run();
      counts_[one.name.project_id].names += writer.changes();
    });
  }
}

}  // namespace trapline::collector::sql
