#include "collector/storage/sqlite/event_queries.h"

#include <string>

#include <nlohmann/json.hpp>

#include "collector/storage/sqlite/cursor.h"
#include "collector/storage/sqlite/payload_codec.h"
#include "collector/storage/sqlite/where_clause.h"

namespace trapline::collector::sqlite {
namespace {

constexpr std::string_view kColumns =
    R"(id, project_id, event_id, issue_id, received_at, timestamp, level, platform, environment, "release",
       "transaction", server_name, user, title, type, value, culprit, tags)";
constexpr int kPayloadColumn = 18;

// The neighbours of an event in its issue, in the order of receipt.
constexpr std::string_view kNewerEvent =
    "SELECT event_id FROM event WHERE issue_id = ? AND (received_at, id) > (?, ?) ORDER BY received_at, id LIMIT 1";
constexpr std::string_view kOlderEvent =
    "SELECT event_id FROM event WHERE issue_id = ? AND (received_at, id) < (?, ?) "
    "ORDER BY received_at DESC, id DESC LIMIT 1";

std::vector<std::pair<std::string, std::string>> read_tags(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> tags;
  for (const auto& tag : nlohmann::json::parse(text)) tags.emplace_back(tag.at(0), tag.at(1));
  return tags;
}

StoredEvent read_event(const Statement& row) {
  StoredEvent stored;
  DigestedEvent& event = stored.event;
  event.project_id = row.integer(1);
  event.event_id = row.text(2);
  stored.issue_id = row.integer(3);
  event.received_at = row.integer(4);
  event.timestamp = row.integer(5);
  event.level = static_cast<Level>(row.integer(6));
  event.platform = row.text(7);
  event.environment = row.text(8);
  event.release = row.text(9);
  event.transaction = row.text(10);
  event.server_name = row.text(11);
  event.user = row.text(12);
  event.title = row.text(13);
  event.type = row.text(14);
  event.value = row.text(15);
  event.culprit = row.text(16);
  event.tags = read_tags(row.text(17));
  return stored;
}

std::string find_neighbour(Connection& connection, std::string_view sql, const StoredEvent& stored,
                           std::int64_t row_id) {
  Statement statement = connection.prepare(sql);
  statement.bind(stored.issue_id, stored.event.received_at, row_id);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

}  // namespace

bool has_event(Connection& connection, ProjectId project, std::string_view event_id) {
  return connection.prepare("SELECT 1 FROM event WHERE project_id = ? AND event_id = ?").bind(project, event_id).step();
}

Page<StoredEvent> find_events(Connection& connection, const EventQuery& query) {
  WhereClause where;
  if (query.project_id) where.add("project_id = ?", *query.project_id);
  if (query.issue_id) where.add("issue_id = ?", *query.issue_id);
  if (query.from) where.add("received_at >= ?", *query.from);
  if (query.to) where.add("received_at < ?", *query.to);
  if (const auto cursor = Cursor::parse(query.cursor)) {
    where.add("(received_at, id) < (?, ?)", cursor->value);
    where.add_value(cursor->id);
  }
  std::string sql = "SELECT " + std::string(kColumns);
  if (query.with_payload) sql += ", payload";
  Statement statement =
      connection.prepare(sql + " FROM event" + where.sql() + " ORDER BY received_at DESC, id DESC LIMIT ?");
  where.bind_to(statement);
  statement.bind(query.limit + 1);

  Page<StoredEvent> page;
  Cursor last;
  while (statement.step()) {
    if (page.items.size() == query.limit) {
      page.next_cursor = last.to_text();
      break;
    }
    page.items.push_back(read_event(statement));
    if (query.with_payload) page.items.back().event.payload = unpack_payload(statement.text(kPayloadColumn));
    last = {page.items.back().event.received_at, statement.integer(0)};
  }
  return page;
}

std::optional<StoredEvent> find_event(Connection& connection, ProjectId project, std::string_view event_id) {
  StoredEvent stored;
  std::int64_t row_id = 0;
  {
    Statement statement = connection.prepare("SELECT " + std::string(kColumns) +
                                             ", payload FROM event WHERE project_id = ? AND event_id = ?");
    statement.bind(project, event_id);
    if (!statement.step()) return std::nullopt;
    stored = read_event(statement);
    stored.event.payload = unpack_payload(statement.text(kPayloadColumn));
    row_id = statement.integer(0);
  }
  stored.newer_event_id = find_neighbour(connection, kNewerEvent, stored, row_id);
  stored.older_event_id = find_neighbour(connection, kOlderEvent, stored, row_id);
  return stored;
}

}  // namespace trapline::collector::sqlite
