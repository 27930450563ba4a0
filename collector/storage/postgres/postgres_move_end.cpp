#include "collector/storage/postgres/postgres_move_end.h"

#include <chrono>
#include <thread>

#include "collector/storage/postgres/clean_text.h"
#include "collector/storage/postgres/migrations.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"

namespace trapline::collector::postgres {
namespace {

constexpr std::chrono::seconds kPatience{5};
constexpr std::chrono::milliseconds kPause{50};

// A collector that digests into the database holds the lock of PostgresStore::claim(), of two numbers, and so does
// whoever moves it. One whose connection was lost may have no lock, but is seen by its others.
constexpr const char* kClaim =
    "SELECT CAST(pg_try_advisory_lock(1953653104, hashtext('trapline migrate-store')) AS INTEGER)";
constexpr const char* kOthers = R"(
  SELECT 1 FROM pg_locks
  WHERE locktype = 'advisory' AND classid = 1953653104 AND objsubid = 2 AND granted AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  UNION ALL
  SELECT 1 FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'trapline-collector' AND pid <> pg_backend_pid())";

constexpr const char* kTables = R"(
  SELECT CAST(relname AS TEXT) FROM pg_class
  WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND relkind IN ('r', 'p')
    AND NOT relispartition AND relname NOT IN
      ('schema_version', 'move_progress', 'event_word', 'event_phrase', 'hash_tag_key', 'hash_environment', 'tagged_hash')
  ORDER BY relname)";
// What the server computes by itself is no column to fill.
constexpr const char* kColumns = R"(
  SELECT CAST(attname AS TEXT), CAST(format_type(atttypid, NULL) AS TEXT), CAST(attidentity <> '' AS INTEGER)
  FROM pg_attribute
  WHERE attrelid = CAST(? AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
  ORDER BY attname)";
constexpr const char* kKey = R"(
  SELECT CAST(attname AS TEXT) FROM pg_index
  JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (CAST(indkey AS smallint[]))
  WHERE indrelid = CAST(? AS regclass) AND indisprimary
  ORDER BY array_position(CAST(indkey AS smallint[]), attnum))";

sql::ColumnType type_of(std::string_view name) {
  if (name == "bigint") return sql::ColumnType::kInteger;
  return name == "text" ? sql::ColumnType::kText : sql::ColumnType::kBytes;
}

}  // namespace

PostgresMoveEnd::PostgresMoveEnd(const std::string& url) : connection_(url) {
  // Reading the other end may take longer than the store's own work ever does.
  connection_.take_time();
  refuse_in_use();
  if (sql::Statement claim = connection_.prepare(kClaim); !claim.step() || claim.integer(0) == 0) {
    throw sql::Refusal("database_in_use", "another migrate-store is at work on the PostgreSQL database");
  }
  sql::migrate(connection_, migration_texts());
}

/// The server notices late that a client has gone, and keeps its locks until then.
void PostgresMoveEnd::refuse_in_use() {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (connection_.prepare(kOthers).step()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw sql::Refusal("database_in_use",
                         "a trapline-collector is using the PostgreSQL database: stop all that are connected to it "
                         "first");
    }
    std::this_thread::sleep_for(kPause);
  }
}

void PostgresMoveEnd::hold_still() {
  connection_.begin();  // whoever wants to write waits from now on
  refuse_in_use();
}

std::vector<sql::Table> PostgresMoveEnd::tables() {
  std::vector<sql::Table> tables;
  sql::Statement names = connection_.prepare(kTables);
  while (names.step()) {
    tables.emplace_back().name = names.text(0);
    read_columns(tables.back());
  }
  return tables;
}

void PostgresMoveEnd::read_columns(sql::Table& table) {
  const std::string name = sql::quoted(table.name);
  sql::Statement columns = connection_.prepare(kColumns);
  columns.bind(std::string_view(name));
  while (columns.step()) {
    table.columns.push_back({std::string(columns.text(0)), type_of(columns.text(1))});
    table.has_numbered_rows = table.has_numbered_rows || columns.integer(2) != 0;
  }
  sql::Statement key = connection_.prepare(kKey);
  key.bind(std::string_view(name));
  while (key.step()) table.key.emplace_back(key.text(0));
}

/// The server sends all rows at once. How long a value is it knows without reading it.
std::string PostgresMoveEnd::page_query(const sql::Table& table, const sql::PageQuery& page) const {
  const std::string order = " ORDER BY " + sql::quoted_list(table.key);
  std::string size = "0";
  for (const sql::Column& column : table.columns) {
    if (column.type == sql::ColumnType::kInteger) continue;
    size += " + coalesce(octet_length(" + sql::quoted(column.name) + "), 0)";
  }
  const std::string rows = "SELECT *, " + size + " AS page_size FROM " + sql::quoted(table.name) +
                           (page.condition.empty() ? "" : " WHERE " + page.condition) + order + " LIMIT " +
                           std::to_string(page.rows);
  return "SELECT " + page.columns + " FROM (SELECT *, sum(page_size) OVER (" + order.substr(1) +
         " ROWS UNBOUNDED PRECEDING) - page_size AS page_before FROM (" + rows + ") AS page) AS sized " +
         "WHERE page_before < " + std::to_string(page.bytes) + order;
}

std::optional<std::string> PostgresMoveEnd::stored_instead(std::string_view text) const {
  if (is_clean(text)) return std::nullopt;
  return clean_text(text);
}

std::int64_t PostgresMoveEnd::last_id(const sql::Table& table) {
  if (!table.has_numbered_rows) return 0;
  sql::Statement last =
      connection_.prepare("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(?, 'id') AS regclass))");
  const std::string name = sql::quoted(table.name);
  last.bind(std::string_view(name));
  return last.step() ? last.integer(0) : 0;
}

void PostgresMoveEnd::set_last_id(const sql::Table& table, std::int64_t id) {
  if (!table.has_numbered_rows) return;
  const std::string name = sql::quoted(table.name);
  std::int64_t highest = 0;
  {
    sql::Statement rows = connection_.prepare("SELECT max(id) FROM " + name);
    if (rows.step()) highest = rows.integer(0);
  }
  const std::int64_t last = id > highest ? id : highest;
  if (last <= 0) return;
  sql::Statement set = connection_.prepare("SELECT setval(CAST(pg_get_serial_sequence(?, 'id') AS regclass), ?)");
  set.bind(std::string_view(name), last);
  set.step();
}

}  // namespace trapline::collector::postgres
