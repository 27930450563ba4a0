/// From every earlier version of the schema to the newest, with data in place, on the engine that this run is about.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/open_store.h"
#include "collector/storage/postgres/migrations.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/sqlite/migrations.h"
#include "collector/storage/sqlite/schema_functions.h"
#include "collector/storage/time_span.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::TestDatabase;

namespace {

constexpr UnixMillis kHour = 1795222800000;
constexpr UnixMillis kFirst = kHour + 1'000;
constexpr UnixMillis kLast = kHour + 2'000;
const std::string kEventIds[] = {std::string(31, 'e') + "1", std::string(31, 'e') + "2"};
const std::string kPayload = R"({"message":"what was there before"})";

struct Blob {
  std::string bytes;
};
using Value = std::variant<std::int64_t, std::string, Blob>;
using Row = std::map<std::string, Value>;

std::span<const std::string_view> migration_texts() {
  return is_on_postgres() ? postgres::migration_texts() : sqlite::migration_texts();
}

struct Column {
  std::string name;
  std::string type;
  bool must_be_given = false;
  bool is_identity = false;
};

std::vector<Column> columns_of(sql::Connection& connection, const std::string& table) {
  std::vector<Column> columns;
  sql::Statement rows = connection.prepare(
      is_on_postgres()
          ? "SELECT CAST(column_name AS TEXT), CAST(data_type AS TEXT), CAST(is_nullable = 'NO' AND column_default IS "
            "NULL "
            "AND is_identity = 'NO' AND is_generated = 'NEVER' AS INTEGER), CAST(is_identity = 'YES' AS INTEGER) "
            "FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
          : "SELECT name, type, (\"notnull\" OR pk > 0) AND dflt_value IS NULL, 0 FROM pragma_table_info(?)");
  rows.bind(std::string_view(table));
  while (rows.step()) {
    columns.push_back(
        {std::string(rows.text(0)), std::string(rows.text(1)), rows.integer(2) != 0, rows.integer(3) != 0});
  }
  return columns;
}

/// What a column gets that no row below speaks of: what refers to another row finds that with the id 1.
Value made_up(const Column& column) {
  if (column.type == "INTEGER" || column.type == "bigint") return std::int64_t{1};
  if (column.type == "BLOB" || column.type == "bytea") return Blob{column.name};
  return column.name;
}

void insert(sql::Connection& connection, const std::string& table, const Row& row) {
  std::vector<std::pair<std::string, Value>> values;
  std::string marks;
  for (const Column& column : columns_of(connection, table)) {
    const auto given = row.find(column.name);
    if (given != row.end()) {
      values.emplace_back(column.name, given->second);
    } else if (column.must_be_given) {
      values.emplace_back(column.name, made_up(column));
    } else {
      continue;
    }
    const std::string mark = is_on_postgres() ? "CAST(? AS " + column.type + ")" : "?";
    marks += (marks.empty() ? "" : ", ") + mark;
  }
  std::string names;
  for (const auto& [name, value] : values) {
    names += (names.empty() ? "\"" : ", \"") + name + "\"";
  }
  sql::Statement statement = connection.prepare("INSERT INTO \"" + table + "\" (" + names + ") VALUES (" + marks + ")");
  for (const auto& [name, value] : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) statement.bind(*number);
    if (const auto* text = std::get_if<std::string>(&value)) statement.bind(std::string_view(*text));
    if (const auto* blob = std::get_if<Blob>(&value)) statement.bind_blob(blob->bytes);
  }
  statement.run();
}

DigestedEvent event(int number) {
  DigestedEvent event;
  event.project_id = 1;
  event.event_id = kEventIds[number];
  event.timestamp = number == 0 ? kFirst : kLast;
  event.received_at = event.timestamp;
  event.release = "r1";
  event.environment = "prod";
  event.user = "id:7";
  event.title = "Error: v";
  event.fingerprint = "f1";
  event.payload = kPayload;
  return event;
}

/// Two events of one issue, as versions 1 and 2 kept them.
std::map<std::string, std::vector<Row>> first_events() {
  std::map<std::string, std::vector<Row>> rows;
  rows["issue"] = {{{"id", 1},
                    {"project_id", 1},
                    {"fingerprint", "f1"},
                    {"title", "Error: v"},
                    {"level", 3},
                    {"count", 2},
                    {"user_count", 1},
                    {"first_seen", kFirst},
                    {"last_seen", kLast}}};
  rows["issue_hour"] = {{{"issue_id", 1}, {"hour", kHour}, {"count", 2}}};
  rows["issue_user"] = {{{"issue_id", 1}, {"user", "id:7"}}};
  for (int number = 0; number < 2; ++number) {
    const DigestedEvent kept = event(number);
    rows["event"].push_back({{"id", number + 1},
                             {"project_id", 1},
                             {"event_id", kept.event_id},
                             {"issue_id", 1},
                             {"received_at", kept.received_at},
                             {"timestamp", kept.timestamp},
                             {"level", 3},
                             {"release", "r1"},
                             {"environment", "prod"},
                             {"user", "id:7"},
                             {"title", kept.title},
                             {"tags", "[]"},
                             {"payload", Blob{sql::pack_bytes(kept.payload)}}});
  }
  return rows;
}

std::string dictionary() {
  std::vector<std::string> samples;
  for (int number = 0; number < 1'000; ++number) {
    samples.push_back(R"({"message":"what was there )" + std::to_string(number * 7'919 % 1'009) + R"( before","n":)" +
                      std::to_string(number) + "}");
  }
  return sql::train_dictionary(samples);
}

/// The same, as version 3 and later ones keep them; one of them packed with a dictionary.
std::map<std::string, std::vector<Row>> events() {
  static const std::string kDictionary = dictionary();
  const sql::PayloadDictionary packing(kDictionary);
  std::map<std::string, std::vector<Row>> rows;
  rows["issue"] = {{{"id", 1},
                    {"project_id", 1},
                    {"title", "Error: v"},
                    {"level", 3},
                    {"count", 2},
                    {"stored_count", 2},
                    {"user_count", 1},
                    {"first_seen", kFirst},
                    {"last_seen", kLast}}};
  rows["issue_hash"] = {{{"id", 1},
                         {"project_id", 1},
                         {"kind", 0},
                         {"hash", "f1"},
                         {"issue_id", 1},
                         {"title", "Error: v"},
                         {"count", 2},
                         {"stored_count", 2},
                         {"first_seen", kFirst},
                         {"last_seen", kLast}}};
  rows["hash_hour"] = {{{"hash_id", 1}, {"hour", kHour}, {"count", 2}}};
  rows["hash_presence"] = {{{"hash_id", 1},
                            {"release_id", 1},
                            {"environment_id", 1},
                            {"count", 2},
                            {"first_seen", kFirst},
                            {"last_seen", kLast}}};
  rows["release"] = {{{"id", 1}, {"project_id", 1}, {"version", "r1"}, {"first_seen", kFirst}, {"last_seen", kLast}}};
  rows["environment"] = {{{"id", 1}, {"project_id", 1}, {"name", "prod"}}};
  rows["payload_dictionary"] = {
      {{"id", std::int64_t{packing.id()}}, {"created_at", kFirst}, {"bytes", Blob{kDictionary}}}};
  for (int number = 0; number < 2; ++number) {
    const DigestedEvent kept = event(number);
    rows["event"].push_back({{"id", sql::first_row_id(kept.received_at)},
                             {"project_id", 1},
                             {"hash_id", 1},
                             {"event_id", Blob{sql::event_id_bytes(kept.event_id)}},
                             {"data", Blob{sql::pack_event(kept, number == 0 ? nullptr : &packing)}}});
  }
  return rows;
}

/// Of tables that every version has kept alike.
std::map<std::string, std::vector<Row>> others() {
  std::map<std::string, std::vector<Row>> rows;
  rows["project"] = {{{"id", 1}, {"name", "shop"}, {"created_at", kFirst}}};
  rows["project_key"] = {{{"public_key", std::string(32, 'a')}, {"project_id", 1}, {"is_active", 1}}};
  rows["account"] = {{{"id", 1}, {"email", "zoe@example.com"}, {"role", 0}}};
  rows["attachment"] = {{{"id", 1},
                         {"item_id", "i1"},
                         {"project_id", 1},
                         {"event_id", kEventIds[0]},
                         {"bytes", Blob{sql::pack_bytes("an old file")}}}};
  rows["session"] = {{{"project_id", 1},
                      {"sid", std::string(32, 'd')},
                      {"status", 4},
                      {"errors", 0},
                      {"started", kFirst},
                      {"user", "id:7"},
                      {"release", "r1"},
                      {"environment", "prod"}}};
  rows["release_hour"] = {{{"project_id", 1},
                           {"hour", kHour},
                           {"release", "r1"},
                           {"environment", "prod"},
                           {"sessions", 1},
                           {"errored", 0},
                           {"crashed", 1},
                           {"abnormal", 0}}};
  rows["session_count"] = {{{"item_id", "i2"}, {"started", kFirst}, {"release", "r2"}, {"exited", 3}}};
  rows["user_report"] = {{{"item_id", "i3"}, {"message", "it broke"}}};
  rows["quarantined_event"] = {
      {{"id", 1}, {"project_id", 1}, {"event_id", std::string(32, 'f')}, {"payload", Blob{sql::pack_bytes("{bad")}}}};
  rows["event_counted"] = {{{"project_id", 1}, {"event_id", Blob{std::string(16, 'c')}}}};
  rows["digest_settings"] = {{{"project_id", 1}, {"settings", "{}"}}};
  rows["ledger"] = {
      {{"project_id", 1}, {"hour", kHour}, {"release", "r1"}, {"outcome", "stored"}, {"reason", ""}, {"count", 2}}};
  return rows;
}

/// Tables that are empty in a database at rest, or have their only row from the beginning. A file's row needs its file
/// (attachment_files_test.cpp), and the index of what events say is parted, with no part as long as it has nothing.
const std::set<std::string>& left_as_they_are() {
  static const std::set<std::string> kTables = {"schema_version", "place_epoch",   "move_progress",
                                                "stored_file",    "released_file", "encryption_key",
                                                "event_text",     "event_word",    "event_phrase"};
  return kTables;
}

std::map<std::string, std::int64_t> counts_of(const TestDatabase& database) {
  const auto connection = database.connect();
  std::map<std::string, std::int64_t> counts;
  for (const std::string& table : database.tables()) {
    if (!is_on_postgres() && table.starts_with("text_")) continue;  // check_words() looks what is in them
    sql::Statement count = connection->prepare("SELECT count(*) FROM \"" + table + "\"");
    count.step();
    counts[table] = count.integer(0);
  }
  return counts;
}

/// Where PostgreSQL parts events by their days, a day has to be made first.
void make_place_for_events(sql::Connection& connection) {
  if (!is_on_postgres()) return;
  sql::Statement parted = connection.prepare("SELECT CAST(to_regproc('make_event_day') IS NOT NULL AS INTEGER)");
  if (!parted.step() || parted.integer(0) == 0) return;
  constexpr UnixMillis kDay = 24 * UnixMillis{3'600'000};
  connection.execute("SELECT make_event_day(" + std::to_string(kFirst / kDay) + ")");
}

/// What events have said, as it was indexed by the day: "the Words of old" and "another text", twice. Whether the
/// version has such an index.
bool index_by_day(const TestDatabase& database, sql::Connection& connection) {
  const auto tables = database.tables();
  const auto has = [&](const char* table) { return std::find(tables.begin(), tables.end(), table) != tables.end(); };
  if (!has(is_on_postgres() ? "event_text" : "text_day") || has("text_week")) return false;
  for (const UnixMillis day : {start_of(kFirst, sql::kWeekMs) / kDayMs, kFirst / kDayMs}) {
    const std::string number = std::to_string(day);
    if (!is_on_postgres()) {
      connection.execute("INSERT INTO text_day (day) VALUES (" + std::to_string(day * kDayMs) +
                         "); CREATE VIRTUAL TABLE text_index_" + number +
                         " USING fts5(words, content = '', columnsize = 0); CREATE TABLE text_row_" + number +
                         " (id INTEGER PRIMARY KEY, hash_id INTEGER NOT NULL); INSERT INTO text_index_" + number +
                         " (rowid, words) VALUES (1, 'the Words of old'), (2, 'another text'); INSERT INTO text_row_" +
                         number + " VALUES (1, 1), (2, 1)");
    } else {
      connection.execute(
          "CREATE TABLE event_text_" + number + " PARTITION OF event_text FOR VALUES FROM (" +
          std::to_string(day * kDayMs) + ") TO (" + std::to_string((day + 1) * kDayMs) +
          "); INSERT INTO event_text SELECT " + std::to_string(day * kDayMs) +
          ", 1, to_tsvector('simple', said) FROM unnest(ARRAY['the Words of old', 'another text']) AS said");
    }
  }
  return true;
}

/// A database of the version, with rows in every table of it. As index_by_day().
bool make(const TestDatabase& database, std::size_t version) {
  const auto connection = database.connect();
  if (auto* file = dynamic_cast<sqlite::Connection*>(connection.get())) {
    sqlite::add_schema_functions(file->handle());
    file->execute("PRAGMA foreign_keys = OFF");
  } else {
    connection->execute("SET session_replication_role = replica");
  }
  sql::migrate(*connection, migration_texts().first(version));
  bool is_first_form = false;
  for (const Column& column : columns_of(*connection, "issue")) is_first_form |= column.name == "fingerprint";
  auto rows = is_first_form ? first_events() : events();
  rows.merge(others());
  make_place_for_events(*connection);
  for (const std::string& table : database.tables()) {
    const auto given = rows.find(table);
    if (given == rows.end()) continue;
    for (const Row& row : given->second) insert(*connection, table, row);
  }
  // The other ones that migrations and the rows above have left empty.
  for (const auto& [table, count] : counts_of(database)) {
    if (count == 0 && !left_as_they_are().contains(table)) insert(*connection, table, {});
  }
  const bool said = index_by_day(database, *connection);
  for (const std::string& table : database.tables()) {
    for (const Column& column : columns_of(*connection, table)) {
      if (!column.is_identity) continue;
      connection->execute("ALTER TABLE \"" + table + "\" ALTER COLUMN \"" + column.name + "\" RESTART WITH 100");
    }
  }
  return said;
}

std::size_t version_of(const TestDatabase& database) { return database.connect()->schema_version(); }

template <class T>
T value(Result<T> result) {
  REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
  return std::move(*result);
}

void check_what_was_there(Store& store) {
  CHECK(value(store.find_project_by_key(std::string(32, 'a')))->name == "shop");
  CHECK(value(store.find_credentials("zoe@example.com")).has_value());
  const auto issues = value(store.find_issues({})).items;
  REQUIRE(issues.size() == 1);
  CHECK(issues[0].title == "Error: v");
  CHECK(issues[0].count == 2);
  CHECK(issues[0].user_count == 1);
  CHECK(issues[0].first_seen == kFirst);
  CHECK(issues[0].last_seen == kLast);
  CHECK(value(store.count_by_hour(1, 0, kLast)).at(0).count == 2);
  for (int number = 0; number < 2; ++number) {
    const auto kept = value(store.find_event(1, kEventIds[number]));
    REQUIRE(kept);
    CHECK(kept->event.payload == kPayload);
    CHECK(kept->event.title == "Error: v");
    CHECK(kept->event.release == "r1");
    CHECK(kept->event.received_at == event(number).received_at);
    CHECK(kept->issue_id == 1);
  }
}

void check_words(Store& store, bool said) {
  const auto finds = [&](const std::string& text) {
    IssueQuery query;
    query.search = value(parse_search(text, {}));
    return value(store.find_issues(query)).items.size() == 1;
  };
  CHECK(finds("environment:prod"));
  CHECK_FALSE(finds("!environment:prod"));
  for (const char* text : {"words", "wor", "\"words of old\"", "\"another text\""}) {
    CAPTURE(text);
    CHECK(finds(text) == said);
  }
  CHECK_FALSE(finds("\"of the words\""));
  CHECK_FALSE(finds("\"old another\""));
}

void check_items(Store& store) {
  CHECK(std::get<Attachment>(value(store.find_attachment(1, "i1"))->content).bytes == "an old file");
  CHECK(value(store.find_items({1, ItemKind::kSession})).items.size() == 1);
  const auto reports = value(store.find_items({1, ItemKind::kUserReport})).items;
  REQUIRE(reports.size() == 1);
  CHECK(std::get<UserReport>(reports[0].content).message == "it broke");
  bool has_crash = false;
  for (const ReleaseHealth& health : value(store.list_release_health({.project_id = 1, .from = 0, .to = kLast}))) {
    has_crash = has_crash || (health.release == "r1" && health.tally.crashed == 1);
  }
  CHECK(has_crash);
}

}  // namespace

TEST_CASE("from every earlier version the schema becomes the newest, with all that was there, and works") {
  for (std::size_t version = 1; version < migration_texts().size(); ++version) {
    CAPTURE(version);
    const TestDatabase database;
    const bool said = make(database, version);
    const auto before = counts_of(database);
    auto store = value(open_store(database.url()));
    CHECK(version_of(database) == migration_texts().size());
    const auto after = counts_of(database);
    for (const auto& [table, count] : before) {
      CAPTURE(table);
      CHECK((count > 0 || left_as_they_are().contains(table)));
      if (const auto kept = after.find(table); kept != after.end()) CHECK(kept->second >= count);
    }
    check_what_was_there(*store);
    check_words(*store, said);
    const bool has_items = before.contains("attachment");
    if (has_items) check_items(*store);
    if (before.contains("quarantined_event")) CHECK(value(store->list_quarantine(1)).at(0).payload == "{bad");
    const auto report = value(check_store(database.url(), {.is_deep = true}));
    for (const CheckFinding& finding : report.findings) {
      CHECK_MESSAGE(finding.faults == 0, finding.what, ": ", (finding.faults > 0 ? finding.examples.front() : ""));
    }

    // It goes on as if it had always been of this version.
    DigestedEvent next = event(0);
    next.event_id = std::string(31, 'e') + "3";
    next.received_at = next.timestamp = kLast + 1'000;
    next.release = "r9";
    value(store->append(std::span(&next, 1)));
    CHECK(value(store->find_issues({})).items.at(0).count == 3);
    CHECK(value(store->append(std::span(&next, 1))).stored == 0);
    CHECK(value(store->find_event(1, next.event_id))->event.payload == kPayload);
    const StoredItem item{"i9", 1, kLast, Attachment{kEventIds[0], "f", "t", "a", "a new file"}};
    CHECK(store->append_items(std::span(&item, 1)));
    CHECK(value(store->create_project("second", std::string(32, 'b'))).id > 1);
    CHECK(value(check_store(database.url(), {.is_deep = true})).faults() == 0);
  }
}

TEST_CASE("a migration that fails leaves the version that was there, and all of its rows") {
  for (std::size_t version = 1; version <= migration_texts().size(); ++version) {
    CAPTURE(version);
    const TestDatabase database;
    make(database, version);
    const auto before = counts_of(database);
    std::vector<std::string_view> texts(migration_texts().begin(), migration_texts().end());
    texts.emplace_back("CREATE TABLE half (id INTEGER); this is no SQL");
    {
      const auto connection = database.connect();
      if (auto* file = dynamic_cast<sqlite::Connection*>(connection.get())) {
        sqlite::add_schema_functions(file->handle());
      }
      CHECK_THROWS_AS(sql::migrate(*connection, texts), sql::DatabaseError);
    }
    CHECK(version_of(database) == version);
    CHECK(counts_of(database) == before);
    auto store = value(open_store(database.url()));
    check_what_was_there(*store);
  }
}

TEST_CASE("a migration that is broken off before its end leaves the version that was there") {
  const std::size_t version = migration_texts().size() - 1;
  const TestDatabase database;
  make(database, version);
  const auto before = counts_of(database);
  {
    const auto connection = database.connect();
    connection->begin();  // as sql::migrate() does, and never comes to the end
    connection->execute(std::string(migration_texts().back()));
    connection->set_schema_version(version + 1);
  }
  CHECK(version_of(database) == version);
  CHECK(counts_of(database) == before);
  check_what_was_there(*value(open_store(database.url())));
}

TEST_CASE("a schema that is newer than this version is refused, says so, and is left alone") {
  const TestDatabase database;
  make(database, migration_texts().size());
  database.connect()->set_schema_version(1'000);
  const auto opened = open_store(database.url());
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == "schema_too_new");
  CHECK(opened.error().message.find("1000") != std::string::npos);
  CHECK(version_of(database) == 1'000);
  CHECK(check_store(database.url()).error().code == "schema_too_new");
}
