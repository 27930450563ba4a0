/// What every storage engine must do, told by the door alone (Store).

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sqlite/connection.h"
#include "collector/storage/sqlite/migrations.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::ManualClock;
using trapline::tests::TemporaryFolder;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z
constexpr UnixMillis kHour = 3'600'000;
constexpr UnixMillis kDay = 24 * kHour;
const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";

struct Fixture {
  trapline::tests::TestDatabase database;
  ManualClock clock{kNow};
  std::unique_ptr<Store> store;
  ProjectId project = 0;

  Fixture() {
    reopen();
    auto made = store->create_project("shop", kKey);
    REQUIRE(made);
    project = made->id;
  }
  void reopen() {
    store.reset();
    auto opened = open_store(database.url(), clock);
    REQUIRE(opened);
    store = std::move(*opened);
  }
  DigestedEvent event(int number, const std::string& fingerprint = "f") const {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(28, 'a') + std::to_string(1000 + number);
    event.received_at = kNow;
    event.timestamp = kNow;
    event.fingerprint = fingerprint;
    event.title = "title of " + fingerprint;
    event.payload = R"({"n":)" + std::to_string(number) + "}";
    return event;
  }
  AppendOutcome append(const std::vector<DigestedEvent>& events) const {
    const auto outcome = store->append(events);
    REQUIRE(outcome);
    return *outcome;
  }
  Issue only_issue() const {
    const auto page = store->find_issues({});
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    return page->items[0];
  }
};

}  // namespace

TEST_CASE("an event is stored once, in a batch, across batches and across a restart") {
  Fixture fixture;
  CHECK(fixture.append({fixture.event(1), fixture.event(1), fixture.event(2)}).duplicates == 1);
  CHECK(fixture.append({fixture.event(2)}).stored == 0);
  fixture.reopen();
  CHECK(fixture.append({fixture.event(1)}).duplicates == 1);
  CHECK(fixture.only_issue().count == 2);
  CHECK(*fixture.store->has_event(fixture.project, fixture.event(1).event_id));
  CHECK_FALSE(*fixture.store->has_event(fixture.project, fixture.event(9).event_id));
}

TEST_CASE("events with one fingerprint are one issue, counted by hour, day and user") {
  Fixture fixture;
  DigestedEvent yesterday = fixture.event(1, "first");
  yesterday.timestamp -= kDay;
  yesterday.user = "id:1";
  DigestedEvent today = fixture.event(2, "first");
  today.user = "id:1";
  DigestedEvent other_user = fixture.event(3, "first");
  other_user.user = "id:2";
  const AppendOutcome outcome = fixture.append({yesterday, today, other_user, fixture.event(4, "other")});
  CHECK(outcome.new_issues == 2);
  IssueQuery by_text;
  by_text.search = parse_search("OF first", {}).value();
  const auto found = fixture.store->find_issues(by_text);
  REQUIRE(found);
  REQUIRE(found->items.size() == 1);
  const Issue& issue = found->items[0];
  CHECK(issue.count == 3);
  CHECK(issue.user_count == 2);
  CHECK(issue.first_seen == kNow - kDay);
  CHECK(issue.last_seen == kNow);
  CHECK(issue.daily_counts[kSparklineDays - 1] == 2);
  CHECK(issue.daily_counts[kSparklineDays - 2] == 1);
  const auto hours = fixture.store->count_by_hour(issue.id, kNow - 2 * kDay, kNow + kHour);
  REQUIRE(hours);
  REQUIRE(hours->size() == 2);
  CHECK((*hours)[0].count == 1);
  CHECK((*hours)[1].hour % kHour == 0);
}

TEST_CASE("an issue shows what its newest event says, and a late old event does not change that") {
  Fixture fixture;
  DigestedEvent newest = fixture.event(1);
  newest.title = "newest";
  newest.level = Level::kFatal;
  DigestedEvent late = fixture.event(2);
  late.timestamp -= kHour;
  late.title = "late";
  fixture.append({newest});
  fixture.append({late});
  const Issue issue = fixture.only_issue();
  CHECK(issue.title == "newest");
  CHECK(issue.level == Level::kFatal);
  CHECK(issue.last_seen == kNow);
  CHECK(issue.first_seen == kNow - kHour);
}

TEST_CASE("pages of issues neither skip nor repeat one, also where values tie") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 25; ++number) events.push_back(fixture.event(number, "f" + std::to_string(number)));
  fixture.append(events);
  for (const IssueSort sort :
       {IssueSort::kLastSeen, IssueSort::kFirstSeen, IssueSort::kCount, IssueSort::kUserCount, IssueSort::kId}) {
    IssueQuery query;
    query.sort = sort;
    query.limit = 10;
    std::vector<IssueId> seen;
    do {
      const auto page = fixture.store->find_issues(query);
      REQUIRE(page);
      for (const Issue& issue : page->items) seen.push_back(issue.id);
      query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    std::sort(seen.begin(), seen.end());
    CHECK(seen.size() == 25);
    CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
  }
}

TEST_CASE("a walk by id meets each issue once, while some count on") {
  Fixture fixture;
  for (int number = 0; number < 6; ++number) fixture.append({fixture.event(number, "f" + std::to_string(number))});
  IssueQuery query{.sort = IssueSort::kId, .limit = 2};
  std::vector<std::string> seen;
  do {
    const auto page = fixture.store->find_issues(query);
    REQUIRE(page);
    for (const Issue& issue : page->items) seen.push_back(issue.title);
    query.cursor = page->next_cursor;
    DigestedEvent again = fixture.event(100 + static_cast<int>(seen.size()), "f0");
    again.timestamp += kHour;
    fixture.append({again});
  } while (!query.cursor.empty());
  CHECK(seen == std::vector<std::string>{"title of f5", "title of f4", "title of f3", "title of f2", "title of f1",
                                         "title of f0"});
}

TEST_CASE("a page of issues has their environments when they are asked for") {
  Fixture fixture;
  DigestedEvent first = fixture.event(1);
  DigestedEvent second = fixture.event(2);
  first.environment = "test";
  second.environment = "prod";
  fixture.append({first, second});
  CHECK(fixture.only_issue().environments.empty());
  const auto page = fixture.store->find_issues({.with_environments = true});
  REQUIRE(page);
  CHECK(page->items.at(0).environments == std::vector<std::string>{"prod", "test"});
}

TEST_CASE("pages of events stay in order while new ones arrive") {
  Fixture fixture;
  for (int number = 0; number < 6; ++number) {
    DigestedEvent event = fixture.event(number);
    event.received_at = kNow + number / 2;  // two at each time
    fixture.append({event});
  }
  EventQuery query;
  query.limit = 4;
  auto first = fixture.store->find_events(query);
  REQUIRE(first);
  DigestedEvent newer = fixture.event(7);
  newer.received_at = kNow + 100;
  fixture.append({newer});
  query.cursor = first->next_cursor;
  auto second = fixture.store->find_events(query);
  REQUIRE(second);
  CHECK(first->items.size() == 4);
  CHECK(second->items.size() == 2);
  CHECK(second->next_cursor.empty());
  CHECK(second->items[1].event.event_id == fixture.event(0).event_id);
}

TEST_CASE("a cursor that was never given out is an error") {
  Fixture fixture;
  for (const char* cursor : {"x", "1", "1.x", "1.2.3", "'; DROP TABLE issue; --"}) {
    IssueQuery query;
    query.cursor = cursor;
    const auto page = fixture.store->find_issues(query);
    REQUIRE_FALSE(page);
    CHECK(page.error().code == "invalid_cursor");
  }
}

TEST_CASE("issues are found by status, level, environment, release and words, and LIKE's own characters are plain") {
  Fixture fixture;
  DigestedEvent event = fixture.event(1, "100%_sure");
  event.environment = "prod";
  event.release = "1.0";
  event.level = Level::kWarning;
  fixture.append({event, fixture.event(2, "other")});
  const auto count = [&](IssueQuery query) { return fixture.store->find_issues(query).value().items.size(); };
  CHECK(count({.status = IssueStatus::kUnresolved}) == 2);
  CHECK(count({.status = IssueStatus::kResolved}) == 0);
  CHECK(count({.level = Level::kWarning}) == 1);
  CHECK(count({.environment = "prod"}) == 1);
  CHECK(count({.release = "1.0"}) == 1);
  CHECK(count({.search = parse_search("100%_", {}).value()}) == 1);
  CHECK(count({.search = parse_search("%", {}).value()}) == 1);
  CHECK(count({.search = parse_search("sure title", {}).value()}) == 1);
  CHECK(count({.search = parse_search("title nothing", {}).value()}) == 0);
  CHECK(count({.from = kNow + 1}) == 0);
  CHECK(count({.to = kNow}) == 0);
}

TEST_CASE("an event comes back whole, with its neighbours in the issue") {
  Fixture fixture;
  std::vector<DigestedEvent> events = {fixture.event(1), fixture.event(2), fixture.event(3)};
  events[1].tags = {{"a", "1"}, {"b", "x \"y\""}};
  events[1].user = "id:7";
  fixture.append(events);
  const auto found = fixture.store->find_event(fixture.project, events[1].event_id);
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->event.payload == events[1].payload);
  CHECK((*found)->event.tags == events[1].tags);
  CHECK((*found)->event.user == "id:7");
  CHECK((*found)->newer_event_id == events[2].event_id);
  CHECK((*found)->older_event_id == events[0].event_id);
  const auto last = fixture.store->find_event(fixture.project, events[2].event_id);
  CHECK((**last).newer_event_id.empty());
  CHECK_FALSE(*fixture.store->find_event(fixture.project + 1, events[1].event_id));
}

TEST_CASE("two projects cannot have one name, and a key finds its project") {
  Fixture fixture;
  CHECK(fixture.store->create_project("shop", std::string(32, 'b')).error().code == "conflict");
  CHECK((**fixture.store->find_project_by_key(kKey)).id == fixture.project);
  CHECK_FALSE(*fixture.store->find_project_by_key(std::string(32, 'b')));
  CHECK(fixture.store->list_projects()->size() == 1);
}

TEST_CASE("a welcome link makes one owner, in its time, and is used up") {
  Fixture fixture;
  REQUIRE(fixture.store->create_welcome_link("hash", kNow + kHour));
  CHECK(fixture.store->create_owner_by_welcome_link("other", kNow, "a@b.c", "h").error().code == "not_found");
  CHECK(fixture.store->create_owner_by_welcome_link("hash", kNow + kHour, "a@b.c", "h").error().code == "not_found");
  const auto owner = fixture.store->create_owner_by_welcome_link("hash", kNow, "a@b.c", "h");
  REQUIRE(owner);
  CHECK(owner->role == Role::kOwner);
  CHECK(fixture.store->create_owner_by_welcome_link("hash", kNow, "d@e.f", "h").error().code == "not_found");
  CHECK(*fixture.store->count_users() == 1);
}

TEST_CASE("a welcome link is not used up by an address that is taken") {
  Fixture fixture;
  REQUIRE(fixture.store->create_user("a@b.c", Role::kMember, "h"));
  REQUIRE(fixture.store->create_welcome_link("hash", kNow + kHour));
  CHECK(fixture.store->create_owner_by_welcome_link("hash", kNow, "a@b.c", "h").error().code == "conflict");
  CHECK(fixture.store->create_owner_by_welcome_link("hash", kNow, "x@y.z", "h").ok());
}

TEST_CASE("sessions end at their time, and when they are deleted") {
  Fixture fixture;
  const auto user = fixture.store->create_user("a@b.c", Role::kMember, "h");
  REQUIRE(user);
  REQUIRE(fixture.store->create_session("s", user->id, kNow + 10));
  CHECK((**fixture.store->find_session_user("s", kNow)).email == "a@b.c");
  CHECK_FALSE(*fixture.store->find_session_user("s", kNow + 10));
  REQUIRE(fixture.store->delete_session("s"));
  CHECK_FALSE(*fixture.store->find_session_user("s", kNow));
}

TEST_CASE("readers and a writer work at the same time") {
  Fixture fixture;
  std::thread writer([&] {
    for (int number = 0; number < 50; ++number) fixture.append({fixture.event(number)});
  });
  std::int64_t last_count = 0;
  bool is_rising = true;
  while (last_count < 50) {
    const auto page = fixture.store->find_issues({});
    const std::int64_t count = page && !page->items.empty() ? page->items[0].count : 0;
    is_rising = is_rising && page.ok() && count >= last_count;
    last_count = std::max(last_count, count);
    if (!is_rising) break;
  }
  writer.join();
  CHECK(is_rising);
}

TEST_CASE("a database of a newer version is refused and left alone") {
  TemporaryFolder folder;
  const std::string path = folder.path("trapline.db");
  {
    sqlite::Connection connection(path);
    connection.execute("PRAGMA user_version = 1000; CREATE TABLE from_the_future (x);");
  }
  const auto opened = open_store("sqlite:" + path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == "schema_too_new");
  CHECK(opened.error().message.find("1000") != std::string::npos);
  sqlite::Connection connection(path);
  CHECK(connection.prepare("SELECT count(*) FROM from_the_future").step());
  CHECK_THROWS_AS(connection.prepare("SELECT 1 FROM project"), sqlite::SqliteError);
}

TEST_CASE("migrations are applied from whichever version the database has, all or none") {
  TemporaryFolder folder;
  sqlite::Connection connection(folder.path("m.db"));
  const std::string_view first[] = {"CREATE TABLE a (x);"};
  sql::migrate(connection, first);
  const std::string_view broken[] = {first[0], "CREATE TABLE b (x);", "not SQL"};
  CHECK_THROWS_AS(sql::migrate(connection, broken), sqlite::SqliteError);
  CHECK_THROWS_AS(connection.prepare("SELECT 1 FROM b"), sqlite::SqliteError);
  const std::string_view mended[] = {first[0], "CREATE TABLE b (x);"};
  sql::migrate(connection, mended);
  CHECK_FALSE(connection.prepare("SELECT 1 FROM b").step());
}

TEST_CASE("a file that is no database, and a URL that names none, are refused with a reason") {
  TemporaryFolder folder;
  const std::string path = folder.path("text.db");
  std::ofstream(path) << std::string(5000, 'x');
  CHECK(open_store("sqlite:" + path).error().message.find(path) != std::string::npos);
  CHECK(open_store("mysql:x").error().message.find("sqlite:PATH") != std::string::npos);
  CHECK(open_store("sqlite:").error().code == "invalid_database_url");
}
