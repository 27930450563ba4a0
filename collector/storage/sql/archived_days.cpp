#include "collector/storage/sql/archived_days.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "collector/storage/sql/digest_tables.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/event_queries.h"

namespace trapline::collector::sql {
namespace {

/// Where an event belongs, by its hash's id.
struct HashPlace {
  IssueId issue_id = 0;
  std::string fine;
  std::string coarse;
};

class HashPlaces {
 public:
  explicit HashPlaces(Connection& connection) : connection_(connection) {}

  /// Null: there is no such hash.
  const HashPlace* find(std::int64_t hash) {
    auto [known, is_new] = places_.try_emplace(hash);
    if (is_new) known->second = read(hash);
    return known->second ? &*known->second : nullptr;
  }

 private:
  std::optional<HashPlace> read(std::int64_t hash) {
    Statement place = connection_.prepare(
        "SELECT fine.issue_id, fine.hash, coarse.hash FROM issue_hash AS fine "
        "LEFT JOIN issue_hash AS coarse ON coarse.id = fine.coarse_id WHERE fine.id = ?");
    place.bind(hash);
    if (!place.step()) return std::nullopt;
    return HashPlace{place.integer(0), std::string(place.text(1)),
                     place.is_null(2) ? std::string() : std::string(place.text(2))};
  }

  Connection& connection_;
  std::unordered_map<std::int64_t, std::optional<HashPlace>> places_;
};

std::unordered_set<ProjectId> gone_projects(Connection& connection) {
  std::unordered_set<ProjectId> gone;
  Statement projects = connection.prepare("SELECT id FROM project WHERE deleted_at IS NOT NULL");
  while (projects.step()) gone.insert(projects.integer(0));
  return gone;
}

}  // namespace

ArchivePage read_archive_page(Connection& connection, PayloadDictionaries& dictionaries, const ArchiveQuery& query) {
  const auto gone = gone_projects(connection);
  ArchivePage page;
  page.last_row = query.after_row;
  std::size_t seen = 0;
  {
    // The fourth column is where read_event() looks for an issue; here it is the hash for now.
    Statement events = connection.prepare(
        "SELECT id, project_id, event_id, hash_id, data, summary FROM event WHERE id > ? AND id < ? ORDER BY id LIMIT "
        "?");
    events.bind(std::max(query.after_row, first_row_of_day(query.day) - 1), first_row_of_day(query.day + 1),
                query.limit);
    for (; events.step(); ++seen) {
      page.last_row = events.integer(0);
      if (gone.contains(events.integer(1))) continue;
      try {
        page.events.push_back(read_event(connection, dictionaries, events, true));
      } catch (const DatabaseError&) {
        throw;
      } catch (const std::exception&) {
        ++page.unreadable;
      }
    }
  }
  page.is_last = seen < query.limit;
  page.last_received_at = received_at_of(page.last_row);
  HashPlaces places(connection);
  std::erase_if(page.events, [&](StoredEvent& stored) {
    const HashPlace* place = places.find(stored.issue_id);
    if (place == nullptr) return true;  // of a project that is being deleted
    stored.issue_id = place->issue_id;
    stored.event.fingerprint = place->fine;
    stored.event.coarse_fingerprint = place->coarse;
    return false;
  });
  return page;
}

bool begin_archiving(Connection& connection, std::int64_t day) {
  Transaction transaction(connection);
  connection.prepare("UPDATE event_day SET archived = ?1 WHERE day = ?2").bind(kBeingArchived, day).run();
  const bool is_there = connection.changes() > 0;
  end_place_epoch(connection);  // writers that know the day look at it again
  transaction.commit();
  return is_there;
}

bool end_archiving(Connection& connection, std::int64_t day) {
  Transaction transaction(connection);
  connection.prepare("UPDATE event_day SET archived = ?1 WHERE day = ?2 AND archived = ?3")
      .bind(kArchived, day, kBeingArchived)
      .run();
  const bool is_whole = connection.changes() > 0;
  transaction.commit();
  return is_whole;
}

void leave_archive(Connection& connection, std::int64_t day) {
  connection.prepare("UPDATE event_day SET archived = ?1 WHERE day = ?2").bind(kNotArchived, day).run();
}

}  // namespace trapline::collector::sql
