/// How the SQLite engine keeps events: old schemas, dictionaries, order.

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/migrations.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using trapline::tests::ManualClock;
using trapline::tests::TemporaryFolder;

namespace {

constexpr UnixMillis kNow = 1795223297698;

DigestedEvent numbered(int number) {
  DigestedEvent event;
  event.project_id = 1;
  event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number);
  event.received_at = kNow + number;
  event.timestamp = kNow;
  event.fingerprint = "f";
  event.payload = R"({"event_id":")" + event.event_id + R"(","n":)" + std::to_string(number * 7919) + R"(,"words":")";
  for (int word = 0; word < 40; ++word) event.payload += "word " + std::to_string(word * 31 % 17) + " of all; ";
  event.payload += "\"}";
  return event;
}

std::int64_t number_from(const std::string& path, const std::string& sql) {
  sqlite::Connection connection(path);
  sqlite::Statement statement = connection.prepare(sql);
  REQUIRE(statement.step());
  return statement.integer(0);
}

}  // namespace

TEST_CASE("a database of schema 1 keeps its events, issues, counts, users and releases") {
  const TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  {
    sqlite::Connection connection(path);
    sql::migrate(connection, sqlite::migration_texts().first(1));
    connection.execute(R"(
      INSERT INTO project (id, name, created_at) VALUES (1, 'p', 1);
      INSERT INTO issue (id, project_id, fingerprint, title, type, value, culprit, platform, level, count, user_count, first_seen, last_seen)
        VALUES (7, 1, 'f', 'T: v', 'T', 'v', 'c', 'python', 3, 3, 2, 1000, 3000);
      INSERT INTO issue_hour VALUES (7, 0, 3);
      INSERT INTO issue_user VALUES (7, 'id:1'), (7, 'id:2');)");
    for (int number = 0; number < 3; ++number) {
      const std::string payload = R"({"n":)" + std::to_string(number) + "}";
      const std::string packed = sql::pack_bytes(payload);
      sqlite::Statement insert = connection.prepare(R"(
        INSERT INTO event (project_id, event_id, issue_id, received_at, timestamp, level, platform, environment, "release",
                           "transaction", server_name, user, title, type, value, culprit, tags, payload)
        VALUES (1, ?, 7, ?, 1000, 3, 'python', 'prod', '1.0', 't', 's', 'id:1', 'T: v', 'T', 'v', 'c', '[["k","w"]]', ?))");
      const std::string id = std::string(31, 'a') + std::to_string(number);
      insert.bind(std::string_view(id), 5000 + number / 2);  // two in one millisecond
      insert.bind_blob(packed);
      insert.run();
    }
  }
  const ManualClock clock{kNow};
  const auto store = open_store("sqlite:" + path, clock);
  REQUIRE(store);
  const auto issue = (*store)->find_issue(7);
  REQUIRE(issue);
  REQUIRE(*issue);
  CHECK((*issue)->count == 3);
  CHECK((*issue)->user_count == 2);
  CHECK((*issue)->first_release == "1.0");
  CHECK((*issue)->environments == std::vector<std::string>{"prod"});
  CHECK((*store)->count_by_hour(7, 0, kNow)->size() == 1);
  const auto events = (*store)->find_events({.issue_id = 7});
  REQUIRE(events);
  REQUIRE(events->items.size() == 3);
  CHECK(events->items[0].event.event_id == std::string(31, 'a') + "2");
  CHECK(events->items[0].event.received_at == 5001);
  CHECK(events->items[0].event.payload == R"({"n":2})");
  CHECK(events->items[2].event.tags == std::vector<std::pair<std::string, std::string>>{{"k", "w"}});
  // New events of the same group and a repeated one go on where the old ones were.
  DigestedEvent again = numbered(1);
  DigestedEvent repeated = numbered(2);
  repeated.event_id = std::string(31, 'a') + "1";
  again.user = "id:1";
  const auto outcome = (*store)->append(std::vector{again, repeated});
  REQUIRE(outcome);
  CHECK(outcome->duplicates == 1);
  CHECK((**(*store)->find_issue(7)).count == 4);
  CHECK((**(*store)->find_issue(7)).user_count == 2);
}

TEST_CASE("after a thousand events a dictionary makes new ones smaller, and all are readable after a restart") {
  const TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 1'400; ++number) events.push_back(numbered(number));
  {
    const auto store = open_store("sqlite:" + path).value();
    REQUIRE(store->create_project("p", std::string(32, 'a')));
    for (std::size_t begin = 0; begin < events.size(); begin += 100) {
      REQUIRE(store->append(std::span(events).subspan(begin, 100)));
    }
  }
  CHECK(number_from(path, "SELECT count(*) FROM payload_dictionary") == 1);
  const std::int64_t before =
      number_from(path, "SELECT max(length(data)) FROM event WHERE id < (SELECT min(id) + (1000 << 20) FROM event)");
  const std::int64_t after = number_from(path, "SELECT length(data) FROM event ORDER BY id DESC LIMIT 1");
  CHECK(after * 2 < before);
  const auto store = open_store("sqlite:" + path).value();
  for (const std::size_t index : {0, 700, 1'399}) {
    const auto found = store->find_event(1, events[index].event_id);
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->event.payload == events[index].payload);
  }
}

TEST_CASE("a batch whose dictionary cannot be kept is stored all the same, and a later one brings another") {
  const TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  const auto store = open_store("sqlite:" + path).value();
  REQUIRE(store->create_project("p", std::string(32, 'a')));
  const auto change = [&](const std::string& sql) { sqlite::Connection(path).execute(sql); };
  change("CREATE TRIGGER no_room BEFORE INSERT ON payload_dictionary BEGIN SELECT RAISE(ABORT, 'no room'); END");
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 2'400; ++number) events.push_back(numbered(number));
  const auto append = [&](std::size_t begin, std::size_t count) {
    const auto outcome = store->append(std::span(events).subspan(begin, count));
    REQUIRE(outcome);
    CHECK(outcome->duplicates == 0);
  };
  append(0, 1'200);
  CHECK(number_from(path, "SELECT count(*) FROM event") == 1'200);
  change("DROP TRIGGER no_room");
  append(1'200, 1'200);
  CHECK(number_from(path, "SELECT count(*) FROM event") == 2'400);
  CHECK(number_from(path, "SELECT count(*) FROM payload_dictionary") == 1);
}

TEST_CASE("a stored event with damaged bytes is an error, and no crash") {
  const TemporaryFolder folder;
  const std::string path = folder.path("t.db");
  const auto store = open_store("sqlite:" + path).value();
  REQUIRE(store->create_project("p", std::string(32, 'a')));
  const DigestedEvent event = numbered(1);
  REQUIRE(store->append(std::vector{event}));
  for (const char* damage : {"x'01'", "x''", "x'02ff'", "substr(data, 1, 60)"}) {
    CAPTURE(damage);
    {
      sqlite::Connection connection(path);
      connection.execute(std::string("UPDATE event SET data = ") + damage);
    }
    const auto found = store->find_event(1, event.event_id);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == "storage");
  }
}
