#include "collector/storage/sql/lost_events.h"

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"
#include "collector/storage/sql/issue_tally.h"

namespace trapline::collector::sql {
namespace {

constexpr int kEventsInStep = 200;

struct LostEvent {
  std::int64_t row = 0;
  DigestedEvent event;
};

/// The next events of the hash, of one project.
std::vector<LostEvent> next_events(Connection& connection, PayloadDictionaries& dictionaries, std::int64_t hash) {
  std::vector<LostEvent> events;
  Statement rows = connection.prepare(
      "SELECT id, project_id, event_id, 0, data, summary FROM event WHERE hash_id = ? ORDER BY id LIMIT ?");
  rows.bind(hash, kEventsInStep);
  while (rows.step()) {
    LostEvent lost{rows.integer(0), {}};
    try {
      lost.event = read_event(connection, dictionaries, rows, false).event;
    } catch (const DatabaseError&) {
      throw;
    } catch (const std::exception&) {
      // Its bytes are damaged: what is known stands beside them. payload_check() finds it.
      lost.event.project_id = rows.integer(1);
      lost.event.received_at = received_at_of(lost.row);
      lost.event.timestamp = lost.event.received_at;
      lost.event.title = "(damaged event)";
    }
    if (!events.empty() && events.front().event.project_id != lost.event.project_id) continue;
    events.push_back(std::move(lost));
  }
  return events;
}

struct NewPlace {
  std::int64_t hash = 0;
  IssueId issue = 0;
  bool is_new = false;
};

NewPlace place_for(Connection& connection, const DigestedEvent& event, std::int64_t lost_hash) {
  const std::string name = "recovered-" + std::to_string(lost_hash);
  {
    Statement known =
        connection.prepare("SELECT id, issue_id FROM issue_hash WHERE project_id = ? AND kind = 0 AND hash = ?");
    known.bind(event.project_id, std::string_view(name));
    if (known.step()) return {known.integer(0), known.integer(1), false};
  }
  NewPlace place;
  place.is_new = true;
  {
    Statement issue = connection.prepare(R"(
      INSERT INTO issue (project_id, title, type, value, culprit, platform, level, count, stored_count, first_seen, last_seen)
      VALUES (?1, '', '', '', '', '', ?2, 0, 0, ?3, ?3) RETURNING id)");
    issue.bind(event.project_id, static_cast<int>(event.level), event.timestamp);
    issue.step();
    place.issue = issue.integer(0);
  }
  Statement hash =
      connection.prepare("INSERT INTO issue_hash (project_id, kind, hash, issue_id) VALUES (?, 0, ?, ?) RETURNING id");
  hash.bind(event.project_id, std::string_view(name), place.issue);
  hash.step();
  place.hash = hash.integer(0);
  return place;
}

}  // namespace

bool regroup_events(Connection& connection, const Sealer& sealer, std::int64_t lost_hash, UnixMillis now) {
  PayloadDictionaries dictionaries(sealer);
  while (true) {
    Transaction transaction(connection);
    {
      Statement owner = connection.prepare("SELECT 1 FROM issue_hash WHERE id = ?");
      owner.bind(lost_hash);
      if (owner.step()) return true;
    }
    const auto events = next_events(connection, dictionaries, lost_hash);
    if (events.empty()) return true;
    const NewPlace place = place_for(connection, events.front().event, lost_hash);
    HashTally tally(place.hash, place.issue);
    for (const LostEvent& lost : events) {
      tally.add(lost.event, true);
      connection.prepare("UPDATE event SET hash_id = ? WHERE id = ?").bind(place.hash, lost.row).run();
    }
    NameIds names(connection);
    tally.write(connection, names);
    IssueAddition addition;
    addition.tallies = {&tally};
    addition.new_users = tally.write_users(connection);
    addition.is_new = place.is_new;
    update_issue(connection, addition, now);
    // A writer that remembers the lost hash would go on giving it events.
    end_place_epoch(connection);
    transaction.commit();
  }
}

}  // namespace trapline::collector::sql
