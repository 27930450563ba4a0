#include "collector/storage/sql/issue_changes.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "collector/storage/issue_life.h"
#include "collector/storage/release_version.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/issue_tally.h"

namespace trapline::collector::sql {
namespace {

using nlohmann::json;

/// Newest releases that are compared by their names; older ones cannot win unless their clocks were wrong.
constexpr int kReleasesCompared = 200;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

Refusal no_issue(IssueId id) { return {"not_found", "there is no issue " + std::to_string(id)}; }

ProjectId project_of(Connection& connection, IssueId id) {
  Statement statement =
      connection.prepare("SELECT project_id FROM issue WHERE id = ? AND " + std::string(kOfLiveProject));
  statement.bind(id);
  if (!statement.step()) throw no_issue(id);
  return statement.integer(0);
}

/// The coarse hashes that only fine hashes which went from one issue to the other come with go, too: events with a new
/// fine hash are led where those that are like them are.
void take_coarse_hashes(Connection& connection, IssueId from, IssueId to) {
  connection
      .prepare(R"(
    UPDATE issue_hash SET issue_id = ?2
    WHERE issue_id = ?1 AND kind = 1
      AND id IN (SELECT coarse_id FROM issue_hash WHERE issue_id = ?2 AND kind = 0)
      AND id NOT IN (SELECT coarse_id FROM issue_hash WHERE issue_id = ?1 AND kind = 0 AND coarse_id IS NOT NULL))")
      .bind(from, to)
      .run();
}

/// An issue without events that looks like another one.
IssueId copy_issue(Connection& connection, IssueId from, UnixMillis now) {
  Statement insert = connection.prepare(R"(
    INSERT INTO issue (project_id, title, type, value, culprit, platform, level, count, stored_count, first_seen, last_seen, status_at)
    SELECT project_id, title, type, value, culprit, platform, level, 0, 0, 0, 0, ?2 FROM issue WHERE id = ?1
    RETURNING id)");
  insert.bind(from, now);
  insert.step();
  return insert.integer(0);
}

}  // namespace

void recount(Connection& connection, IssueId id) {
  connection
      .prepare(R"(
    UPDATE issue SET
      (count, stored_count, first_seen, last_seen) =
        (SELECT coalesce(sum(count), 0), coalesce(sum(stored_count), 0), coalesce(min(first_seen), 0), coalesce(max(last_seen), 0)
         FROM issue_hash WHERE issue_id = ?1 AND kind = 0 AND count > 0),
      user_count = (SELECT count(DISTINCT "user") FROM hash_user
                    WHERE hash_id IN (SELECT id FROM issue_hash WHERE issue_id = ?1)),
      overview = ''
    WHERE id = ?1)")
      .bind(id)
      .run();
}

void retitle(Connection& connection, PayloadDictionaries& dictionaries, IssueId id) {
  EventQuery query;
  query.issue_id = id;
  query.with_payload = false;
  query.limit = 1;
  const Page<StoredEvent> newest = find_events(connection, dictionaries, query);
  if (newest.items.empty()) return;
  const DigestedEvent& event = newest.items.front().event;
  connection
      .prepare("UPDATE issue SET title = ?, type = ?, value = ?, culprit = ?, platform = ?, level = ? WHERE id = ?")
      .bind(std::string_view(event.title), std::string_view(event.type), std::string_view(event.value),
            std::string_view(event.culprit), std::string_view(event.platform), static_cast<int>(event.level), id)
      .run();
}

void set_issue_state(Connection& connection, IssueId id, const IssueState& state, std::string_view actor) {
  Transaction transaction(connection);
  project_of(connection, id);
  write_state(connection, id, state);
  add_history(connection, id, state.status_at, kHistoryStatus, actor, describe_state(state));
  transaction.commit();
}

void assign_issue(Connection& connection, IssueId id, std::string_view assignee, std::string_view actor,
                  UnixMillis now) {
  Transaction transaction(connection);
  project_of(connection, id);
  connection.prepare("UPDATE issue SET assignee = ? WHERE id = ?").bind(assignee, id).run();
  add_history(connection, id, now, kHistoryAssigned, actor, dump({{"assignee", assignee}}));
  transaction.commit();
}

void merge_issues(Connection& connection, IssueId into, std::span<const IssueId> others, std::string_view actor,
                  UnixMillis now) {
  Transaction transaction(connection);
  const ProjectId project = project_of(connection, into);
  json merged = json::array();
  for (const IssueId other : others) {
    if (other == into) throw Refusal("conflict", "an issue cannot be merged into itself");
    if (project_of(connection, other) != project) {
      throw Refusal("conflict", "issues " + std::to_string(into) + " and " + std::to_string(other) +
                                    " belong to two projects: only issues of one can be merged");
    }
    // Of two, the one seen last tells the title.
    connection
        .prepare(R"(
      UPDATE issue SET (title, type, value, culprit, platform, level, last_seen) =
          (SELECT title, type, value, culprit, platform, level, last_seen FROM issue WHERE id = ?2)
      WHERE id = ?1 AND last_seen < (SELECT last_seen FROM issue WHERE id = ?2))")
        .bind(into, other)
        .run();
    connection.prepare("UPDATE issue_hash SET issue_id = ? WHERE issue_id = ?").bind(into, other).run();
    connection.prepare("UPDATE issue_history SET issue_id = ? WHERE issue_id = ?").bind(into, other).run();
    connection.prepare("DELETE FROM issue WHERE id = ?").bind(other).run();
    merged.push_back(std::to_string(other));
  }
  recount(connection, into);
  end_place_epoch(connection);
  add_history(connection, into, now, kHistoryMerged, actor, dump({{"issues", merged}}));
  transaction.commit();
}

IssueId unmerge_hashes(Connection& connection, PayloadDictionaries& dictionaries, IssueId from,
                       std::span<const std::int64_t> hashes, std::string_view actor, UnixMillis now) {
  Transaction transaction(connection);
  project_of(connection, from);
  const IssueId made = copy_issue(connection, from, now);
  for (const std::int64_t hash : hashes) {
    connection.prepare("UPDATE issue_hash SET issue_id = ? WHERE id = ? AND issue_id = ? AND kind = 0")
        .bind(made, hash, from)
        .run();
    if (connection.changes() == 0) {
      throw Refusal("not_found", "issue " + std::to_string(from) + " has no hash " + std::to_string(hash));
    }
  }
  take_coarse_hashes(connection, from, made);
  Statement left = connection.prepare("SELECT 1 FROM issue_hash WHERE issue_id = ? AND kind = 0");
  left.bind(from);
  if (!left.step()) throw Refusal("conflict", "issue " + std::to_string(from) + " would have no event left");
  left.reset();
  for (const IssueId id : {from, made}) {
    recount(connection, id);
    retitle(connection, dictionaries, id);
  }
  end_place_epoch(connection);
  add_history(connection, from, now, kHistoryUnmerged, actor, dump({{"into", std::to_string(made)}}));
  add_history(connection, made, now, kHistoryUnmerged, actor, dump({{"from", std::to_string(from)}}));
  transaction.commit();
  return made;
}

std::vector<IssueChange> end_due_ignores(Connection& connection, UnixMillis now) {
  std::vector<IssueChange> changes;
  Transaction transaction(connection);
  std::vector<IssueState> states;
  {
    Statement due = connection.prepare("SELECT id, project_id, " + std::string(kStateColumns) +
                                       " FROM issue WHERE ignored_until <= ? AND " + std::string(kOfLiveProject));
    due.bind(now);
    while (due.step()) {
      changes.push_back({due.integer(0), due.integer(1), IssueChangeKind::kUnignored});
      states.push_back(read_state(due, 2));
    }
  }
  for (std::size_t index = 0; index < changes.size(); ++index) {
    IssueState open;
    open.status_at = now;
    write_state(connection, changes[index].issue_id, open);
    add_history(connection, changes[index].issue_id, now, kHistoryUnignored, "", describe_state(states[index]));
  }
  transaction.commit();
  return changes;
}

std::vector<IssueHash> list_hashes(Connection& connection, IssueId id) {
  Statement statement = connection.prepare(
      "SELECT id, hash, title, count, first_seen, last_seen FROM issue_hash WHERE issue_id = ? AND kind = 0 "
      "ORDER BY count DESC, id");
  statement.bind(id);
  std::vector<IssueHash> hashes;
  while (statement.step()) {
    hashes.push_back({statement.integer(0), std::string(statement.text(1)), std::string(statement.text(2)),
                      statement.integer(3), statement.integer(4), statement.integer(5)});
  }
  return hashes;
}

std::vector<HistoryEntry> list_history(Connection& connection, IssueId id) {
  Statement statement = connection.prepare(
      "SELECT at, kind, actor, details FROM issue_history WHERE issue_id = ? ORDER BY id DESC LIMIT 1000");
  statement.bind(id);
  std::vector<HistoryEntry> entries;
  while (statement.step()) {
    entries.push_back({statement.integer(0), std::string(statement.text(1)), std::string(statement.text(2)),
                       std::string(statement.text(3))});
  }
  return entries;
}

std::string newest_release(Connection& connection, ProjectId project) {
  Statement statement = connection.prepare(
      R"(SELECT version FROM "release" WHERE project_id = ? AND version <> '' ORDER BY first_seen DESC, id DESC LIMIT ?)");
  statement.bind(project, kReleasesCompared);
  std::string newest;
  while (statement.step()) {
    const std::string_view version = statement.text(0);
    const auto order = compare_releases(version, newest);
    if (newest.empty() || (order && std::is_gt(*order))) newest = version;
  }
  return newest;
}

}  // namespace trapline::collector::sql
