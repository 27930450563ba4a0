#include "collector/storage/sql/event_erasure.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "collector/storage/records.h"
#include "collector/storage/sql/event_ids.h"

namespace trapline::collector::sql {
namespace {

/// How many rows one statement names; what is less is filled up with the last.
constexpr std::size_t kRowsInStatement = 32;

const std::string& row_list() {
  static const std::string kList = [] {
    std::string list = "(?";
    for (std::size_t row = 1; row < kRowsInStatement; ++row) list += ", ?";
    return list + ")";
  }();
  return kList;
}

void bind_rows(Statement& statement, std::span<const std::int64_t> rows) {
  for (std::size_t index = 0; index < kRowsInStatement; ++index) {
    statement.bind(rows[std::min(index, rows.size() - 1)]);
  }
}

struct Found {
  std::map<std::int64_t, std::int64_t> by_hash;
  std::vector<std::pair<ProjectId, std::string>> ids;  ///< as texts
};

Found find(Connection& connection, std::span<const std::int64_t> rows) {
  Found found;
  Statement events = connection.prepare("SELECT hash_id, project_id, event_id FROM event WHERE id IN " + row_list());
  bind_rows(events, rows);
  while (events.step()) {
    ++found.by_hash[events.integer(0)];
    found.ids.emplace_back(events.integer(1), event_id_text(events.text(2)));
  }
  return found;
}

}  // namespace

void lower_kept(Connection& connection, std::int64_t hash, std::int64_t count) {
  connection.prepare("UPDATE issue_hash SET stored_count = stored_count - ? WHERE id = ?").bind(count, hash).run();
  connection
      .prepare(
          "UPDATE issue SET stored_count = stored_count - ?1 WHERE id = (SELECT issue_id FROM issue_hash WHERE id = "
          "?2)")
      .bind(count, hash)
      .run();
}

std::int64_t erase_events(Connection& connection, std::span<const std::int64_t> rows) {
  std::int64_t erased = 0;
  for (std::size_t first = 0; first < rows.size(); first += kRowsInStatement) {
    const auto some = rows.subspan(first, std::min(kRowsInStatement, rows.size() - first));
    const Found found = find(connection, some);
    for (const auto& [project, event_id] : found.ids) {
      connection.prepare("DELETE FROM attachment WHERE project_id = ? AND event_id = ?")
          .bind(project, std::string_view(event_id))
          .run();
    }
    Statement erase = connection.prepare("DELETE FROM event WHERE id IN " + row_list());
    bind_rows(erase, some);
    erase.run();
    for (const auto& [hash, count] : found.by_hash) lower_kept(connection, hash, count);
    erased += static_cast<std::int64_t>(found.ids.size());
  }
  return erased;
}

}  // namespace trapline::collector::sql
