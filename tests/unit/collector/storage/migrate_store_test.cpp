#include "collector/storage/migrate_store.h"

#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/open_store.h"
#include "collector/storage/postgres/postgres_move_end.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/row_code.h"
#include "collector/storage/sqlite/sqlite_move_end.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::TemporaryFolder;

namespace {

using Stage = MigrationProgress::Stage;
using Source = sqlite::SqliteMoveEnd;

constexpr int kRows = 7;
/// Ids of fine hashes; the coarse ones that they name have higher ones.
constexpr int kFineHashes = 3;

/// The database of this run's engine, as one end of a move.
std::unique_ptr<sql::MoveEnd> end_of(const std::string& url) {
  if (url.starts_with("sqlite:")) return std::make_unique<Source>(url.substr(7), Source::Role::kSource);
  return std::make_unique<postgres::PostgresMoveEnd>(url);
}

std::int64_t integer_of(const sql::Table& table, const std::string& column, int row) {
  if (table.name == "issue_hash" && column == "kind") return row > kFineHashes ? 1 : 0;
  // A day that there is has events.
  if (table.name == "event" && column == "id") return sql::first_row_of_day(row);
  // What refers to a row finds it, and keys differ.
  if (column == "id" || column.ends_with("_id") || column == "hour" || column == "day") return row;
  constexpr std::int64_t kOdd[] = {
      0, -1, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(), 10'000, 7};
  return kOdd[row % 6];
}

std::string text_of(const std::string& column, int row) {
  constexpr const char* kOdd[] = {"ü€😀", " ", "'\"\\", "A", "a", "line\nline"};
  return column + " " + std::to_string(row) + kOdd[row % 6];
}

void bind_made_up(sql::Statement& insert, const sql::Table& table, const sql::Column& column, int row,
                  std::string& holder) {
  const bool is_optional = column.name == "summary" || column.name.starts_with("ignored_") ||
                           column.name == "deleted_at" || column.name == "resolved_release";
  if (column.name == "coarse_id") {
    insert.bind(row > kFineHashes ? std::nullopt : std::optional(row + kFineHashes));
  } else if (is_optional && row % 2 == 0) {
    insert.bind(std::optional<int>());
  } else if (column.type == sql::ColumnType::kInteger) {
    insert.bind(integer_of(table, column.name, row));
  } else if (column.type == sql::ColumnType::kText) {
    holder = text_of(column.name, row);
    insert.bind(std::string_view(holder));
  } else {
    const bool is_key = column.name == "event_id" || column.name == "run";
    holder = row == 1 && !is_key ? "" : std::string("\0\xFF\x80", 3) + std::to_string(row);
    insert.bind_blob(holder);
  }
}

std::string insert_into(const sql::Table& table) {
  std::string names;
  std::string marks;
  for (const sql::Column& column : table.columns) {
    names += (names.empty() ? "" : ", ") + sql::quoted(column.name);
    marks += marks.empty() ? "?" : ", ?";
  }
  // The first event of a day has made its row.
  return (table.name == "event_day" ? "INSERT OR REPLACE INTO " : "INSERT INTO ") + sql::quoted(table.name) + " (" +
         names + ") VALUES (" + marks + ")";
}

/// Rows with values of all kinds in every table that there is.
void fill(const std::string& path) {
  REQUIRE(open_store("sqlite:" + path));
  const auto tables = Source(path, Source::Role::kSource).tables();
  sqlite::Connection connection(path);
  connection.execute("PRAGMA foreign_keys = OFF; DELETE FROM place_epoch;");
  sql::Transaction transaction(connection);
  for (const sql::Table& table : tables) {
    const bool has_one_row = table.name == "welcome_link" || table.name == "place_epoch" || table.name == "report_key";
    for (int row = 1; row <= (has_one_row ? 1 : kRows); ++row) {
      std::vector<std::string> holders(table.columns.size());
      sql::Statement insert = connection.prepare(insert_into(table));
      for (std::size_t index = 0; index < holders.size(); ++index) {
        bind_made_up(insert, table, table.columns[index], row, holders[index]);
      }
      insert.run();
    }
  }
  transaction.commit();
}

/// All rows of all tables.
std::map<std::string, std::vector<std::string>> dump(const std::string& url) {
  const auto end = end_of(url);
  std::map<std::string, std::vector<std::string>> rows_by_table;
  for (const sql::Table& table : end->tables()) {
    std::vector<std::string> names;
    for (const sql::Column& column : table.columns) names.push_back(column.name);
    sql::Statement rows = end->connection().prepare(
        end->page_query(table, {.columns = sql::quoted_list(names), .rows = 1'000, .bytes = 1'000'000'000}));
    auto& codes = rows_by_table[table.name];
    while (rows.step()) {
      std::string& code = codes.emplace_back();
      for (std::size_t index = 0; index < names.size(); ++index) {
        sql::append_code(code, sql::read_value(rows, static_cast<int>(index), table.columns[index].type));
      }
    }
  }
  return rows_by_table;
}

struct Fixture {
  TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::string path = folder.path("from.db");
  std::string from = "sqlite:" + path;
  std::string to = database.url();

  [[nodiscard]] MigrationOptions options() const { return {.from = from, .to = to, .rows_per_page = 3}; }

  /// Moves until `pages` pages have been copied.
  void break_off_after(int pages) const {
    MigrationOptions options = this->options();
    std::int64_t rows_before = -1;
    options.on_progress = [&](const MigrationProgress& progress) {
      if (rows_before >= 0 && progress.rows > rows_before) --pages;
      rows_before = progress.rows;
      return pages > 0;
    };
    const auto report = migrate_store(options);
    REQUIRE_FALSE(report);
    REQUIRE(report.error().code == "broken_off");
  }

  /// An SQL statement in the target, before the two databases are compared.
  [[nodiscard]] Error error_with_change_in_target(const std::string& sql) const {
    MigrationOptions options = this->options();
    bool is_changed = false;
    options.on_progress = [&](const MigrationProgress& progress) {
      if (progress.stage == Stage::kVerifying && !std::exchange(is_changed, true)) database.connect()->execute(sql);
      return true;
    };
    const auto report = migrate_store(options);
    REQUIRE_FALSE(report);
    return report.error();
  }
};

}  // namespace

TEST_CASE("both engines have the same tables, with the same columns and keys") {
  if (!is_on_postgres()) return;
  Fixture fixture;
  REQUIRE(open_store(fixture.from));
  REQUIRE(open_store(fixture.to));
  const auto in_file = end_of(fixture.from)->tables();
  const auto on_server = end_of(fixture.to)->tables();
  REQUIRE(in_file.size() == on_server.size());
  CHECK(in_file.size() > 30);
  for (std::size_t index = 0; index < in_file.size(); ++index) {
    INFO(in_file[index].name);
    CHECK(in_file[index].name == on_server[index].name);
    CHECK(in_file[index].columns == on_server[index].columns);
    CHECK(in_file[index].key == on_server[index].key);
    CHECK_FALSE(in_file[index].key.empty());
  }
}

TEST_CASE("rows of every kind are moved, and moved back they are what they were") {
  Fixture fixture;
  fill(fixture.path);
  const auto report = migrate_store(fixture.options());
  REQUIRE_MESSAGE(report, report.error().message);
  CHECK_FALSE(report->was_resumed);
  const auto before = dump(fixture.from);
  CHECK(report->tables.size() == before.size());
  for (const MovedTable& table : report->tables) {
    INFO(table.name);
    CHECK(table.rows == static_cast<std::int64_t>(before.at(table.name).size()));
    CHECK(table.changed_rows == 0);
  }
  CHECK(dump(fixture.to) == before);

  const std::string back = "sqlite:" + fixture.folder.path("back.db");
  REQUIRE(migrate_store({.from = fixture.to, .to = back, .rows_per_page = 2}));
  CHECK(dump(back) == before);
}

TEST_CASE("a move that is broken off after each of its pages goes on where it was") {
  Fixture fixture;
  fill(fixture.path);
  const auto before = dump(fixture.from);
  std::size_t rows = 0;
  for (const auto& [table, codes] : before) rows += codes.size();
  std::size_t runs = 0;
  std::int64_t last_rows = 0;
  for (bool is_done = false; !is_done; ++runs) {
    REQUIRE(runs <= rows);
    MigrationOptions options = fixture.options();
    std::int64_t rows_before = -1;
    options.on_progress = [&](const MigrationProgress& progress) {
      if (progress.stage != Stage::kCopying) return true;
      if (rows_before < 0) CHECK(progress.rows == last_rows);
      const bool has_copied = rows_before >= 0 && progress.rows > rows_before;
      rows_before = last_rows = progress.rows;
      return !has_copied;
    };
    const auto report = migrate_store(options);
    is_done = report.ok();
    if (is_done) CHECK(report->was_resumed);
    if (!is_done) CHECK(report.error().code == "broken_off");
    if (!is_done) CHECK(open_store(fixture.to).error().code == "unfinished_move");
  }
  CHECK(runs > rows / 3);
  CHECK(dump(fixture.to) == before);
}

TEST_CASE("a target that has something is refused and left alone") {
  Fixture fixture;
  fill(fixture.path);
  REQUIRE(open_store(fixture.to).value()->create_project("own", std::string(32, 'a')));
  const auto report = migrate_store(fixture.options());
  CHECK(report.error().code == "not_empty");
  CHECK(open_store(fixture.to).value()->list_projects()->size() == 1);
}

TEST_CASE("databases that a collector uses are refused") {
  Fixture fixture;
  REQUIRE(open_store(fixture.from).value()->create_project("one", std::string(32, 'a')));
  for (const std::string& url : {fixture.from, fixture.to}) {
    auto store = open_store(url);
    REQUIRE(store);
    REQUIRE((*store)->claim("node"));
    CHECK(migrate_store(fixture.options()).error().code == "database_in_use");
    store->reset();
  }
  CHECK(migrate_store(fixture.options()).ok());
  CHECK(open_store(fixture.to).value()->list_projects()->size() == 1);
}

TEST_CASE("a file and itself, no file, and what is no database of a collector are refused") {
  Fixture fixture;
  REQUIRE(open_store(fixture.from));
  CHECK(migrate_store({.from = fixture.from, .to = fixture.from}).error().code == "invalid_database_url");
  const std::string other_name = "sqlite:" + fixture.folder.path("./from.db");
  CHECK(migrate_store({.from = fixture.from, .to = other_name}).error().code == "invalid_database_url");
  CHECK(migrate_store({.from = "mysql:x", .to = fixture.to}).error().code == "invalid_database_url");
  const std::string missing = fixture.folder.path("missing.db");
  CHECK(migrate_store({.from = "sqlite:" + missing, .to = fixture.to}).error().code == "not_found");
  CHECK_FALSE(std::filesystem::exists(missing));
  { sqlite::Connection(missing).execute("CREATE TABLE other (x)"); }
  CHECK(migrate_store({.from = "sqlite:" + missing, .to = fixture.to}).error().code == "not_found");
}

TEST_CASE("a move goes on with its own source only, as it was") {
  Fixture fixture;
  fill(fixture.path);
  fixture.break_off_after(5);

  const std::string other = fixture.folder.path("other.db");
  REQUIRE(open_store("sqlite:" + other).value()->create_project("other", std::string(32, 'b')));
  CHECK(migrate_store({.from = "sqlite:" + other, .to = fixture.to}).error().code == "other_source");

  sqlite::Connection(fixture.path).execute("UPDATE node_position SET sequence = sequence + 1 WHERE sequence = 7");
  CHECK(migrate_store(fixture.options()).error().code == "other_source");
  sqlite::Connection(fixture.path).execute("UPDATE node_position SET sequence = sequence - 1 WHERE sequence = 8");

  CHECK(migrate_store(fixture.options()).ok());
}

TEST_CASE("a source that was changed behind what was copied is found out") {
  Fixture fixture;
  fill(fixture.path);
  fixture.break_off_after(60);
  sqlite::Connection(fixture.path).execute("UPDATE account SET email = 'new' WHERE id = 2");
  const auto report = migrate_store(fixture.options());
  CHECK(report.error().code == "differs");
  CHECK(report.error().message.find("the table account differs: the source had 7 rows") != std::string::npos);
}

TEST_CASE("what differs in the end is told by its table, and the target stays unfinished") {
  for (const std::string change : {"UPDATE issue SET title = 'x' WHERE id = 3",
                                   "UPDATE issue SET count = 77 WHERE id = 3", "DELETE FROM issue_history WHERE id = 2",
                                   "INSERT INTO event_counted (project_id, event_id) VALUES (50, '\\x00')"}) {
    Fixture fixture;
    fill(fixture.path);
    INFO(change);
    const Error error = fixture.error_with_change_in_target(change);
    CHECK(error.code == "differs");
    const std::string table = change.find("issue_history") != std::string::npos   ? "issue_history"
                              : change.find("event_counted") != std::string::npos ? "event_counted"
                                                                                  : "issue";
    CHECK_MESSAGE(error.message.find("the table " + table + " differs") == 0, error.message);
    CHECK(open_store(fixture.to).error().code == "unfinished_move");
    CHECK(migrate_store(fixture.options()).error().code == "differs");
  }
}

TEST_CASE("nobody adds to the source while it is moved") {
  Fixture fixture;
  fill(fixture.path);
  MigrationOptions options = fixture.options();
  bool is_refused = false;
  options.on_progress = [&](const MigrationProgress&) {
    if (is_refused) return true;
    sqlite::Connection other(fixture.path);
    other.execute("PRAGMA busy_timeout = 1");
    CHECK_THROWS_AS(other.execute("DELETE FROM ledger"), sqlite::SqliteError);
    is_refused = true;
    return true;
  };
  CHECK(migrate_store(options).ok());
  CHECK(is_refused);
}

TEST_CASE("texts that PostgreSQL does not take are moved with U+FFFD, and told") {
  Fixture fixture;
  fill(fixture.path);
  {
    sqlite::Connection connection(fixture.path);
    sql::Statement update = connection.prepare("UPDATE \"release\" SET version = ? WHERE id = ?");
    const std::string with_nul("a\0b", 3);
    update.bind(std::string_view(with_nul), 2).run();
    update.reset();
    update.bind(std::string_view("a\xFF"), 5).run();
  }
  const auto report = migrate_store(fixture.options());
  REQUIRE_MESSAGE(report, report.error().message);
  for (const MovedTable& table : report->tables) {
    CHECK(table.changed_rows == (is_on_postgres() && table.name == "release" ? 2 : 0));
  }
  const auto connection = fixture.database.connect();
  sql::Statement versions = connection->prepare("SELECT version FROM \"release\" WHERE id IN (2, 5) ORDER BY id");
  REQUIRE(versions.step());
  CHECK(versions.text(0) == (is_on_postgres() ? "a\uFFFDb" : std::string_view("a\0b", 3)));
  REQUIRE(versions.step());
  CHECK(versions.text(0) == (is_on_postgres() ? "a\uFFFD" : "a\xFF"));
}

TEST_CASE("an id that was given is not given again in the other database") {
  Fixture fixture;
  {
    auto store = open_store(fixture.from).value();
    REQUIRE(store->create_project("stays", std::string(32, 'a')));
    const auto gone = store->create_project("gone", std::string(32, 'b'));
    REQUIRE(gone->id == 2);
    REQUIRE(store->delete_project(gone->id));
    while (*store->sweep_deleted_projects()) {
    }
  }
  REQUIRE(migrate_store(fixture.options()));
  CHECK(open_store(fixture.to).value()->create_project("third", std::string(32, 'c'))->id == 3);
  const std::string back = "sqlite:" + fixture.folder.path("back.db");
  REQUIRE(open_store(fixture.to).value()->delete_project(3));
  while (*open_store(fixture.to).value()->sweep_deleted_projects()) {
  }
  REQUIRE(migrate_store({.from = fixture.to, .to = back}));
  CHECK(open_store(back).value()->create_project("fourth", std::string(32, 'd'))->id == 4);
}

TEST_CASE("how far the spool has been digested goes with the move") {
  const auto event_at = [](std::int64_t sequence) {
    DigestedEvent event;
    event.sequence = sequence;
    event.project_id = 1;
    event.event_id = std::string(31, 'a') + std::to_string(sequence);
    event.received_at = event.timestamp = 1'000'000;
    event.fingerprint = "f";
    event.payload = "{}";
    return event;
  };
  Fixture fixture;
  {
    auto store = open_store(fixture.from).value();
    REQUIRE(store->claim("spool-1"));
    REQUIRE(store->create_project("one", std::string(32, 'a')));
    REQUIRE(store->append(std::vector{event_at(1), event_at(2)}));
  }
  const std::string back = "sqlite:" + fixture.folder.path("back.db");
  for (const auto& [from, to] : {std::pair{fixture.from, fixture.to}, std::pair{fixture.to, back}}) {
    const auto report = migrate_store({.from = from, .to = to, .spool = "spool-1"});
    REQUIRE_MESSAGE(report, report.error().message);
    auto store = open_store(to).value();
    REQUIRE(store->claim("spool-1"));
    // Given again, as after a kill before the spool let go of it.
    const auto outcome = store->append(std::vector{event_at(1), event_at(2)});
    REQUIRE(outcome);
    CHECK(outcome->repeated == 2);
    CHECK(outcome->duplicates == 0);
  }
}

TEST_CASE("a page is bounded in bytes") {
  Fixture fixture;
  fill(fixture.path);
  {
    sqlite::Connection connection(fixture.path);
    sql::Statement update = connection.prepare("UPDATE attachment SET bytes = ?");
    const std::string large(100'000, 'x');
    update.bind_blob(large);
    update.run();
  }
  const auto largest_step = [](MigrationOptions options) {
    options.rows_per_page = 1'000;
    options.bytes_per_page = 150'000;
    std::int64_t largest = 0;
    std::int64_t before = 0;
    options.on_progress = [&](const MigrationProgress& progress) {
      if (progress.table == "attachment") largest = std::max(largest, progress.rows - before);
      before = progress.rows;
      return true;
    };
    REQUIRE(migrate_store(options));
    return largest;
  };
  CHECK(largest_step(fixture.options()) == 2);
  CHECK(largest_step({.from = fixture.to, .to = "sqlite:" + fixture.folder.path("back.db")}) == 2);
}

TEST_CASE("what events said is found in the other database, too") {
  Fixture fixture;
  constexpr UnixMillis kNow = 1795223297698;
  {
    const auto store = open_store(fixture.from).value();
    REQUIRE(store->create_project("p", std::string(32, 'a')));
    std::vector<DigestedEvent> events;
    for (int day = 0; day < 3; ++day) {
      DigestedEvent& event = events.emplace_back();
      event.project_id = 1;
      event.event_id = std::string(31, 'a') + std::to_string(day);
      event.received_at = event.timestamp = kNow + day * 7 * 86'400'000;
      event.fingerprint = event.title = "issue " + std::to_string(day);
      event.payload = "{}";
      event.texts = {"the Words of day-" + std::to_string(day) + ", in their order", "Cr\xC3\xA8me",
                     "\xF0\x9F\x98\x80"};
      event.trail_texts = {"a last word " + std::to_string(day)};
      event.tags = {{"day", std::to_string(day)}};
      event.environment = "prod";
    }
    REQUIRE(store->append(events));
  }
  const auto find = [](const std::string& url, const std::string& text) {
    IssueQuery query;
    query.search = parse_search(text, {}).value();
    return open_store(url).value()->find_issues(query)->items.size();
  };
  // Broken off before the texts, and then after each week of them.
  for (int weeks = 0; weeks < 3; ++weeks) {
    MigrationOptions options = fixture.options();
    int texts_told = 0;
    options.on_progress = [&](const MigrationProgress& progress) {
      if (progress.table == "event_text") ++texts_told;
      return texts_told <= weeks && (weeks > 0 || progress.table != "event_text");
    };
    CHECK(migrate_store(options).error().code == "broken_off");
  }
  const std::string back = "sqlite:" + fixture.folder.path("back.db");
  for (const auto& [from, to] : {std::pair{fixture.from, fixture.to}, std::pair{fixture.to, back}}) {
    const auto report = migrate_store({.from = from, .to = to});
    REQUIRE_MESSAGE(report, report.error().message);
    for (const std::string& url : {from, to}) {
      CAPTURE(url);
      CHECK(find(url, "words") == 3);
      CHECK(find(url, "\"words of day 1 in their order\"") == 1);
      CHECK(find(url, "\"words day\"") == 0);
      CHECK(find(url, "creme") == 3);
      CHECK(find(url, "\"last word 2\"") == 1);
      CHECK(find(url, "\"order creme\"") == 0);
      CHECK(find(url, "day:2") == 1);
      CHECK(find(url, "has:day") == 3);
      CHECK(find(url, "environment:prod") == 3);
    }
  }
}

TEST_CASE("files of attachments are moved with the database") {
  Fixture fixture;
  std::string bytes;
  for (int number = 0; number < 1'500; ++number) bytes += std::to_string(number * 7'919 % 10'007);
  {
    auto store = open_store(fixture.from).value();
    REQUIRE(store->create_project("one", std::string(32, 'a')));
    std::vector<StoredItem> items;
    for (int number = 0; number < 5; ++number) {
      items.push_back(
          {"i" + std::to_string(number), 1, 1, Attachment{"e", "f", "t", "a", bytes + std::to_string(number % 3)}});
    }
    REQUIRE(store->append_items(items));
  }
  MigrationOptions options = fixture.options();
  options.to_files = fixture.folder.path("moved files");
  const auto report = migrate_store(options);
  REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
  CHECK(report->files == 3);
  CHECK(report->missing_files == 0);
  const StoreOptions store_options{options.to_files, {}};
  CHECK(check_store(fixture.to, {.is_deep = true, .store = store_options})->faults() == 0);
  const auto store = open_store(fixture.to, trapline::core::system_clock(), store_options).value();
  for (int number = 0; number < 5; ++number) {
    const auto found = store->find_attachment(1, "i" + std::to_string(number));
    REQUIRE(found);
    CHECK(std::get<Attachment>((*found)->content).bytes == bytes + std::to_string(number % 3));
  }
}
