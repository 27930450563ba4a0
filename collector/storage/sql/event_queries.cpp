#include "collector/storage/sql/event_queries.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "collector/storage/sql/cursor.h"
#include "collector/storage/sql/deleted_projects.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/where_clause.h"

namespace trapline::collector::sql {
namespace {

constexpr std::string_view kSelect =
    "SELECT event.id, event.project_id, event_id, issue_id, data, summary FROM event "
    "JOIN issue_hash ON issue_hash.id = hash_id";
// In one journey, and each row by its id: PostgreSQL might go through all days instead.
constexpr std::string_view kSelectPage =
    "SELECT event.id, event.project_id, event_id, issue_id, data, summary FROM json_each(?) AS wanted ";
constexpr std::string_view kEachInFile = "CROSS JOIN event";
constexpr std::string_view kEachAtServer =
    "CROSS JOIN LATERAL (SELECT * FROM event WHERE event.id = wanted.value OFFSET 0) AS event";
constexpr std::string_view kOfPage =
    " CROSS JOIN issue_hash WHERE event.id = wanted.value AND issue_hash.id = hash_id AND event.";

/// The dictionary that a row needs, from the table when it is not known yet. Throws when it is gone.
std::shared_ptr<const PayloadDictionary> find_dictionary(Connection& connection, PayloadDictionaries& dictionaries,
                                                         std::string_view packed) {
  const std::uint32_t id = dictionary_of(packed);
  if (id == 0) return nullptr;
  if (auto known = dictionaries.find(id)) return known;
  Statement statement = connection.prepare("SELECT bytes FROM payload_dictionary WHERE id = ?");
  statement.bind(id);
  if (!statement.step()) throw std::runtime_error("the compression dictionary of a stored event is missing");
  std::string opened;
  auto dictionary = std::make_shared<const PayloadDictionary>(
      dictionaries.sealer().open(statement.text(0), dictionary_place(id), opened));
  dictionaries.add(dictionary, false);
  return dictionary;
}

std::vector<std::int64_t> hashes_of(Connection& connection, IssueId issue) {
  std::vector<std::int64_t> hashes;
  Statement statement = connection.prepare("SELECT id FROM issue_hash WHERE issue_id = ? AND kind = 0");
  statement.bind(issue);
  while (statement.step()) hashes.push_back(statement.integer(0));
  return hashes;
}

/// The rows of an issue's newest events, newest first, at most `limit`, with ids in [from, before). One look into the
/// index for each of its hashes: a sort over all of its events would grow with them.
std::vector<std::int64_t> newest_rows(Connection& connection, IssueId issue, std::int64_t from, std::int64_t before,
                                      std::size_t limit) {
  std::vector<std::int64_t> rows;
  for (const std::int64_t hash : hashes_of(connection, issue)) {
    Statement statement =
        connection.prepare("SELECT id FROM event WHERE hash_id = ? AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?");
    statement.bind(hash, from, before, limit);
    while (statement.step()) rows.push_back(statement.integer(0));
  }
  std::sort(rows.begin(), rows.end(), std::greater<>());
  if (rows.size() > limit) rows.resize(limit);
  return rows;
}

std::string event_id_of_row(Connection& connection, std::int64_t row) {
  Statement statement = connection.prepare("SELECT event_id FROM event WHERE id = ?");
  statement.bind(row);
  return statement.step() ? event_id_text(statement.text(0)) : std::string();
}

/// The event of the issue that came right after the row.
std::string newer_neighbour(Connection& connection, IssueId issue, std::int64_t row) {
  std::int64_t nearest = 0;
  for (const std::int64_t hash : hashes_of(connection, issue)) {
    Statement statement = connection.prepare("SELECT id FROM event WHERE hash_id = ? AND id > ? ORDER BY id LIMIT 1");
    statement.bind(hash, row);
    if (!statement.step()) continue;
    if (nearest == 0 || statement.integer(0) < nearest) nearest = statement.integer(0);
  }
  return nearest == 0 ? std::string() : event_id_of_row(connection, nearest);
}

std::string older_neighbour(Connection& connection, IssueId issue, std::int64_t row) {
  const auto rows = newest_rows(connection, issue, 0, row, 1);
  return rows.empty() ? std::string() : event_id_of_row(connection, rows.front());
}

/// The events of an issue; those of other projects are left out.
std::vector<std::int64_t> rows_of_issue(Connection& connection, const EventQuery& query, std::int64_t from,
                                        std::int64_t before) {
  if (query.project_id) {
    Statement statement = connection.prepare("SELECT 1 FROM issue WHERE id = ? AND project_id = ?");
    statement.bind(*query.issue_id, *query.project_id);
    if (!statement.step()) return {};
  }
  return newest_rows(connection, *query.issue_id, from, before, query.limit + 1);
}

std::vector<std::int64_t> rows_of_all(Connection& connection, const EventQuery& query, std::int64_t from,
                                      std::int64_t before) {
  WhereClause where;
  where.add(kOfLiveProject);
  if (query.project_id) where.add("project_id = ?", *query.project_id);
  where.add("id >= ?", from);
  where.add("id < ?", before);
  Statement statement = connection.prepare("SELECT id FROM event" + where.sql() + " ORDER BY id DESC LIMIT ?");
  where.bind_to(statement);
  statement.bind(query.limit + 1);
  std::vector<std::int64_t> rows;
  while (statement.step()) rows.push_back(statement.integer(0));
  return rows;
}

}  // namespace

StoredEvent read_event(Connection& connection, PayloadDictionaries& dictionaries, const Statement& row,
                       bool with_payload) {
  StoredEvent stored;
  DigestedEvent& event = stored.event;
  event.project_id = row.integer(1);
  event.event_id = event_id_text(row.text(2));
  stored.issue_id = row.integer(3);
  std::string opened;
  std::string_view packed = row.text(4);
  if (sealed_with(packed)) {
    packed = dictionaries.sealer().open(packed, event_place(event.project_id, row.text(2)), opened);
  }
  if (row.is_null(5)) {
    unpack_event(packed, find_dictionary(connection, dictionaries, packed).get(), with_payload, event);
  } else {
    unpack_event_of_schema_1(packed, row.text(5), with_payload, event);
  }
  event.received_at = received_at_of(row.integer(0));
  return stored;
}

bool has_event(Connection& connection, ProjectId project, std::string_view event_id) {
  const std::string id = event_id_bytes(event_id);
  Statement statement = connection.prepare(
      "SELECT 1 FROM event WHERE project_id = ?1 AND event_id = ?2 "
      "UNION ALL SELECT 1 FROM event_counted WHERE project_id = ?1 AND event_id = ?2");
  statement.bind(project);
  statement.bind_blob(id);
  return statement.step();
}

Page<StoredEvent> find_events(Connection& connection, PayloadDictionaries& dictionaries, const EventQuery& query) {
  const std::int64_t from = query.from ? first_row_id(*query.from) : 0;
  std::int64_t before = query.to ? first_row_id(*query.to) : std::numeric_limits<std::int64_t>::max();
  if (const auto cursor = Cursor::parse(query.cursor)) before = std::min(before, cursor->id);
  auto rows =
      query.issue_id ? rows_of_issue(connection, query, from, before) : rows_of_all(connection, query, from, before);
  Page<StoredEvent> page;
  if (rows.size() > query.limit) {
    rows.resize(query.limit);
    page.next_cursor = Cursor{received_at_of(rows.back()), rows.back()}.to_text();
  }
  const std::string wanted = json_list(rows);
  std::string sql(kSelectPage);
  sql.append(connection.is_remote() ? kEachAtServer : kEachInFile).append(kOfPage).append(kOfLiveProject);
  Statement statement = connection.prepare(sql + " ORDER BY event.id DESC");
  statement.bind(std::string_view(wanted));
  while (statement.step()) {
    page.items.push_back(read_event(connection, dictionaries, statement, query.with_payload));
  }
  return page;
}

std::optional<StoredEvent> find_event(Connection& connection, PayloadDictionaries& dictionaries, ProjectId project,
                                      std::string_view event_id) {
  StoredEvent stored;
  std::int64_t row_id = 0;
  {
    const std::string id = event_id_bytes(event_id);
    Statement statement = connection.prepare(
        std::string(kSelect) + " WHERE event.project_id = ? AND event_id = ? AND event." + std::string(kOfLiveProject));
    statement.bind(project);
    statement.bind_blob(id);
    if (!statement.step()) return std::nullopt;
    stored = read_event(connection, dictionaries, statement, true);
    row_id = statement.integer(0);
  }
  stored.newer_event_id = newer_neighbour(connection, stored.issue_id, row_id);
  stored.older_event_id = older_neighbour(connection, stored.issue_id, row_id);
  return stored;
}

}  // namespace trapline::collector::sql
