/// What issues are searched by that is not a column of theirs: tags, users, releases, and what their events say.

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/search_writer.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/time_span.h"
#include "tests/support/manual_clock.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::ManualClock;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z

using Titles = std::vector<std::string>;

struct Fixture {
  ManualClock clock{kNow};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  int events = 0;

  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }

  DigestedEvent event(const std::string& title) {
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + events++);
    event.received_at = event.timestamp = kNow;
    event.fingerprint = title;
    event.title = title;
    event.payload = "{}";
    return event;
  }
  void append(const std::vector<DigestedEvent>& batch) const {
    const auto outcome = store->append(batch);
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  }

  Result<Page<Issue>> page(const std::string& text) const {
    const auto search = parse_search(text, {kNow, {}});
    REQUIRE_MESSAGE(search, text << ": " << search.error().message);
    IssueQuery query;
    query.search = *search;
    query.limit = 100;
    return store->find_issues(query);
  }
  /// The titles of what is found, in alphabetical order.
  Titles find(const std::string& text) const {
    const auto found = page(text);
    REQUIRE_MESSAGE(found, text << ": " << (found ? "" : found.error().message));
    Titles titles;
    for (const Issue& issue : found->items) titles.push_back(issue.title);
    std::sort(titles.begin(), titles.end());
    return titles;
  }
  std::int64_t number(const std::string& sql) const {
    const auto connection = database.connect();
    sql::Statement statement = connection->prepare(sql);
    REQUIRE(statement.step());
    return statement.integer(0);
  }
};

struct Case {
  std::string search;
  Titles found;
};

void check_cases(const Fixture& fixture, const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.search);
    CHECK(fixture.find(one.search) == one.found);
  }
}

}  // namespace

TEST_CASE("issues are found by their events' tags") {
  Fixture fixture;
  DigestedEvent a = fixture.event("a");
  a.tags = {{"browser", "Chrome 120"}, {"paid", "yes"}, {"my key", "x"}, {"level", "odd"}, {"empty", ""}};
  a.context_tags = {{"os", "Linux"}};
  a.server_name = "web-1";
  DigestedEvent again = fixture.event("a");
  again.tags = {{"browser", "Firefox 100"}};
  DigestedEvent b = fixture.event("b");
  b.tags = {{"browser", "chrome"}, {"request-id", "R1"}, {"nul", std::string("x\0y", 3)}};
  b.transaction = "/pay";
  fixture.append({a, again, b, fixture.event("c")});
  check_cases(fixture, {
                           {"browser:\"Chrome 120\"", {"a"}},
                           {"browser:Chrome*", {"a", "b"}},
                           {"browser:*fox*", {"a"}},
                           {"browser:Chrome", {}},
                           {"!browser:chrome", {"a", "c"}},
                           {"browser:[chrome, \"Firefox 100\"]", {"a", "b"}},
                           {"has:browser", {"a", "b"}},
                           {"!has:browser", {"c"}},
                           {"-has:browser", {"c"}},
                           {"has:paid has:browser", {"a"}},
                           {"tags[browser]:chrome", {"b"}},
                           {"tags[my key]:x", {"a"}},
                           {"has:\"tags[my key]\"", {"a"}},
                           {"tags[level]:odd", {"a"}},
                           {"request-id:R1", {"b"}},
                           {"os:linux", {}},
                           {"os:Linux", {"a"}},
                           {"server_name:web-*", {"a"}},
                           {"transaction:/pay", {"b"}},
                           {"has:empty", {}},
                           {"nul:x", {"b"}},
                           {"nobody:knows", {}},
                           {"paid:yes OR request-id:R1", {"a", "b"}},
                           {"NOT (paid:yes OR request-id:R1)", {"c"}},
                           {"paid:\"' OR 1=1 --\"", {}},
                       });
}

TEST_CASE("tags are counted by their issue, also as issues are merged, and across batches") {
  Fixture fixture;
  for (int batch = 0; batch < 2; ++batch) {
    std::vector<DigestedEvent> events;
    for (int count = 0; count < 3; ++count) {
      events.push_back(fixture.event("a"));
      events.back().tags = {{"shop", count == 0 ? "Oslo" : "Bergen"}};
      events.back().occurrences = 2;
    }
    fixture.append(events);
  }
  CHECK(fixture.number("SELECT count FROM hash_tag JOIN tag ON id = tag_id WHERE value = 'Oslo'") == 4);
  CHECK(fixture.number("SELECT count FROM hash_tag JOIN tag ON id = tag_id WHERE value = 'Bergen'") == 8);
  CHECK(fixture.number("SELECT count(*) FROM tag") == 2);
  DigestedEvent other = fixture.event("b");
  other.tags = {{"shop", "Rome"}};
  fixture.append({other});
  const IssueId into = fixture.page("shop:Oslo")->items.at(0).id;
  const IssueId from = fixture.page("shop:Rome")->items.at(0).id;
  const std::vector<IssueId> others{from};
  REQUIRE(fixture.store->merge_issues(into, others, ""));
  CHECK(fixture.page("shop:Rome")->items.at(0).id == into);
}

TEST_CASE("what a key or a value has too much of is cut, and values beyond the bound count as others") {
  Fixture fixture;
  DigestedEvent a = fixture.event("a");
  const std::string kLong(250, 'v');
  a.tags = {{std::string(250, 'k'), kLong}};
  fixture.append({a});
  CHECK(fixture.find(std::string(200, 'k') + ":" + kLong) == Titles{"a"});
  CHECK(fixture.find(std::string(200, 'k') + ":" + std::string(199, 'v')).empty());
  {
    // As if so many values had come.
    const auto connection = fixture.database.connect();
    connection->execute("INSERT INTO tag_key (project_id, key) VALUES (1, 'id')");
    sql::Transaction transaction(*connection);
    for (std::int64_t number = 0; number < sql::kMostTagValues; ++number) {
      const std::string value = std::to_string(number);
      connection->prepare("INSERT INTO tag (id, project_id, key, value) VALUES (?, 1, 'id', ?)")
          .bind(sql::tag_id(1, "id", value), std::string_view(value))
          .run();
    }
    transaction.commit();
  }
  DigestedEvent known = fixture.event("known");
  known.tags = {{"id", "777"}};
  DigestedEvent beyond = fixture.event("beyond");
  beyond.tags = {{"id", "no more"}, {"other", "fine"}};
  fixture.append({known, beyond});
  check_cases(
      fixture,
      {{"id:777", {"known"}}, {"id:\"no more\"", {}}, {"has:id", {"beyond", "known"}}, {"other:fine", {"beyond"}}});
  CHECK(fixture.number("SELECT count(*) FROM tag WHERE key = 'id'") == sql::kMostTagValues + 1);
}

TEST_CASE("keys of tags beyond the bound are left out") {
  Fixture fixture;
  {
    const auto connection = fixture.database.connect();
    for (int number = 0; number < sql::kMostTagKeys; ++number) {
      connection->execute("INSERT INTO tag_key (project_id, key) VALUES (1, 'k" + std::to_string(number) + "')");
    }
  }
  DigestedEvent a = fixture.event("a");
  a.tags = {{"k7", "x"}, {"new", "x"}};
  fixture.append({a});
  check_cases(fixture, {{"k7:x", {"a"}}, {"new:x", {}}, {"has:new", {}}});
}

TEST_CASE("issues are found by what events tell of their users") {
  Fixture fixture;
  const auto of_user = [&](const std::string& title, const std::string& id, const std::string& email) {
    DigestedEvent event = fixture.event(title);
    event.user = "id:" + id;
    event.user_fields = {{UserField::kId, id}, {UserField::kEmail, email}, {UserField::kIpAddress, "10.0.0.1"}};
    return event;
  };
  DigestedEvent named = of_user("b", "2", "[email]");
  named.user_fields.emplace_back(UserField::kUsername, "bob");
  fixture.append({of_user("a", "1", "ada@example.com"), named, fixture.event("c")});
  // Later with another address: the issue is still the same user's.
  fixture.append({of_user("a", "1", "ada@example.org")});
  check_cases(fixture, {
                           {"user.id:1", {"a"}},
                           {"user.email:ada@example.com", {"a"}},
                           {"user.email:ada@example.org", {"a"}},
                           {"user.email:ADA@*", {"a"}},
                           {"user.email:\"[email]\"", {}},
                           {"user.username:bob", {"b"}},
                           {"user.ip:10.0.0.1", {"a", "b"}},
                           {"user.ip_address:10.*", {"a", "b"}},
                           {"user:bob", {"b"}},
                           {"user:1", {"a"}},
                           {"has:user.email", {"a"}},
                           {"!has:user.id", {"c"}},
                           {"!user.id:1", {"b", "c"}},
                       });
  CHECK(fixture.number("SELECT count(*) FROM event_user") == 7);
}

TEST_CASE("releases are compared by their versions") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (const std::string version : {"shop@1.2.0", "shop@1.10.0", "shop@2.0.0-rc.1", "shop@2.0.0", "deadbeef", ""}) {
    events.push_back(fixture.event(version.empty() ? "none" : version));
    events.back().release = version;
  }
  fixture.append(events);
  check_cases(fixture, {
                           {"release:>shop@1.2.0", {"shop@1.10.0", "shop@2.0.0", "shop@2.0.0-rc.1"}},
                           {"release:>=shop@1.10.0 release:<shop@2.0.0", {"shop@1.10.0", "shop@2.0.0-rc.1"}},
                           {"release:<=shop@1.2", {"shop@1.2.0"}},
                           {"!release:>shop@1.2.0", {"deadbeef", "none", "shop@1.2.0"}},
                           {"release:>cart@1.0", {}},
                       });
}

TEST_CASE("what most issues have is left out as what few have: alone, among others, and twice") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 2'200; ++number) {
    events.push_back(fixture.event("issue " + std::to_string(number)));
    DigestedEvent& event = events.back();
    if (number >= 5) event.tags = {{"common", "yes"}};
    event.level = number % 550 == 3 ? Level::kFatal : Level::kError;
  }
  fixture.append(events);
  check_cases(fixture,
              {
                  {"!common:yes", {"issue 0", "issue 1", "issue 2", "issue 3", "issue 4"}},
                  {"!has:common", {"issue 0", "issue 1", "issue 2", "issue 3", "issue 4"}},
                  {"!common:yes !level:fatal", {"issue 0", "issue 1", "issue 2", "issue 4"}},
                  {"level:fatal OR !common:yes",
                   {"issue 0", "issue 1", "issue 1103", "issue 1653", "issue 2", "issue 3", "issue 4", "issue 553"}},
                  {"NOT (!common:yes) level:fatal", {"issue 1103", "issue 1653", "issue 553"}},
                  {"NOT (common:yes OR level:fatal)", {"issue 0", "issue 1", "issue 2", "issue 4"}},
              });
  // An issue has what one of its group hashes has.
  const auto id_of = [&](const std::string& title) { return fixture.page("title:\"" + title + "\"")->items.at(0).id; };
  const std::vector<IssueId> others{id_of("issue 700")};
  REQUIRE(fixture.store->merge_issues(id_of("issue 0"), others, ""));
  check_cases(fixture, {{"!common:yes", {"issue 1", "issue 2", "issue 3", "issue 4"}}});
}

TEST_CASE("few issues or many, one project or all: the same are found") {
  Fixture fixture;
  REQUIRE(fixture.store->create_project("q", std::string(32, 'b')));
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 2'100; ++number) {
    events.push_back(fixture.event("issue " + std::to_string(number)));
    DigestedEvent& event = events.back();
    event.project_id = number % 10 == 9 ? 2 : 1;
    event.tags = {{"common", "yes"}, {"each", std::to_string(number)}};
    event.release = "1.0";
    event.user = "id:1";
    event.user_fields = {{UserField::kId, "1"}};
  }
  fixture.append(events);
  for (const std::string search : {"common:yes", "has:common", "each:*", "release:1.0", "release:>0.9", "user.id:1"}) {
    CAPTURE(search);
    IssueQuery query;
    query.search = parse_search(search, {kNow, {}}).value();
    query.sort = IssueSort::kId;
    query.limit = 100;
    std::size_t found = 0;
    for (;;) {
      const auto page = fixture.store->find_issues(query);
      REQUIRE(page);
      found += page->items.size();
      if (page->next_cursor.empty()) break;
      query.cursor = page->next_cursor;
    }
    CHECK(found == 2'100);
    query.cursor.clear();
    query.project_id = 2;
    CHECK(fixture.store->find_issues(query)->items.size() == 100);
    query.search = parse_search("!" + search, {kNow, {}}).value();
    CHECK(fixture.store->find_issues(query)->items.empty());
  }
}

TEST_CASE("issues are found by what their events say") {
  Fixture fixture;
  DigestedEvent a = fixture.event("TimeoutError: slow");
  a.texts = {"TimeoutError: slow", "could not reach the database_host:5432 in time", "pay in checkout.py"};
  a.trail_texts = {"clicked on Checkout", "Crème brûlée ordered"};
  DigestedEvent later = fixture.event("TimeoutError: slow");
  later.received_at += kDayMs;
  later.texts = {"the second day brings zebras"};
  DigestedEvent b = fixture.event("b");
  b.texts = {"the host is down", "reach for the stars", "NEAR AND OR NOT", "Ошибка базы данных", "日本語 エラー"};
  fixture.append({a, later, b, fixture.event("c")});
  const std::string kA = a.title;
  check_cases(fixture, {
                           {"database_host", {kA}},
                           {"DATABASE", {kA}},
                           {"data", {kA}},
                           {"ase", {}},
                           {"reach", {kA, "b"}},
                           {"reach zebras", {kA}},
                           {"reach !zebras", {"b"}},
                           {"!reach", {"c"}},
                           {"zebras OR stars", {kA, "b"}},
                           {"\"reach the database\"", {kA}},
                           {"\"reach database\"", {}},
                           {"\"slow could\"", {}},
                           {"\"reach for the star\"", {}},
                           {"creme", {kA}},
                           {"\"crème brulee\"", {kA}},
                           {"5432", {kA}},
                           {"host:5432", {}},  // a tag
                           {"\"host:5432\"", {kA}},
                           {"checkout.py", {kA}},
                           {"Ошибка", {"b"}},
                           {"Imeouterr", {kA}},  // letters of the title
                           {"\"NEAR AND OR NOT\"", {"b"}},
                           {"\"near and\"", {"b"}},
                           {"日本語", {"b"}},
                       });
}

TEST_CASE("a search by words that are odd is a search") {
  Fixture fixture;
  DigestedEvent a = fixture.event("a");
  a.texts = {"some words", std::string("nul\0in it", 9), "emoji \xF0\x9F\x98\x80 here", std::string(8'000, 'x')};
  fixture.append({a});
  for (const std::string& text : {std::string("NEAR"),
                                  std::string("NEAR(some words)"),
                                  std::string("\"some\" *"),
                                  std::string("*"),
                                  std::string("col\\:x"),
                                  std::string("\"col : x\""),
                                  std::string("^some"),
                                  std::string("some+words"),
                                  std::string("{a b}"),
                                  std::string("'"),
                                  std::string("''"),
                                  std::string("\\"),
                                  std::string("\xF0\x9F\x98\x80"),
                                  std::string("a\xCC\x81"),
                                  std::string("\xEF\xBC\x87\xEF\xBC\x87"),
                                  std::string("x:y\"z\""),
                                  std::string("some\0words", 10),
                                  std::string("\"a\0\"", 4),
                                  std::string("\xFF\xFE"),
                                  std::string(1'990, 'x'),
                                  std::string("some & words | !a <-> b:*"),
                                  std::string("%_"),
                                  std::string("\xE2\x80\x9C\x66oo\xE2\x80\x9D")}) {
    CAPTURE(text);
    const auto search = parse_search(text, {kNow, {}});
    if (!search) continue;
    IssueQuery query;
    query.search = *search;
    const auto page = fixture.store->find_issues(query);
    CHECK_MESSAGE(page, (page ? "" : page.error().message));
  }
  CHECK(fixture.find("nul") == Titles{"a"});
  CHECK(fixture.find("here") == Titles{"a"});
  CHECK(fixture.find("\"some words\"") == Titles{"a"});
  CHECK(parse_search(std::string(10'000, 'x'), {kNow, {}}).error().code == "invalid_query");
}

TEST_CASE("weeks of texts are dropped at once, when their last day has gone") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int week = 0; week < 3; ++week) {
    events.push_back(fixture.event("issue of week " + std::to_string(week)));
    events.back().received_at = kNow + week * sql::kWeekMs;
    events.back().texts = {"common words"};
  }
  fixture.append(events);
  CHECK(fixture.find("common").size() == 3);
  const auto drop_before = [&](UnixMillis day) { sql::drop_texts_before(*fixture.database.connect(), day); };
  const UnixMillis second = start_of(kNow, sql::kWeekMs) + sql::kWeekMs;
  drop_before(second - kDayMs);
  CHECK(fixture.find("common").size() == 3);
  drop_before(second);
  CHECK(fixture.find("common") == Titles{"issue of week 1", "issue of week 2"});
  drop_before(second + 2 * sql::kWeekMs - kDayMs);
  CHECK(fixture.find("common") == Titles{"issue of week 2"});
  CHECK(fixture.find("\"common words\"") == Titles{"issue of week 2"});
  // And it goes on, also in a week that has gone.
  DigestedEvent late = fixture.event("late");
  late.received_at = kNow;
  late.texts = {"common ground"};
  fixture.append({late});
  CHECK(fixture.find("common") == Titles{"issue of week 2", "late"});
}

TEST_CASE("retention makes one piece of the index of a week that is over, and all is found as before") {
  if (is_on_postgres()) return;  // the server sees to it
  Fixture fixture;
  constexpr int kBatches = 40;
  const auto append_to = [&](UnixMillis at) {
    for (int batch = 0; batch < kBatches; ++batch) {
      DigestedEvent event = fixture.event("issue " + std::to_string(batch % 3));
      event.received_at = at;
      event.texts = {"common words", "number " + std::to_string(batch)};
      fixture.append({event});
    }
  };
  append_to(kNow);
  append_to(kNow + sql::kWeekMs);
  const auto pieces = [&](const char* index, int week) {
    const UnixMillis day = start_of(kNow + week * sql::kWeekMs, sql::kWeekMs) / kDayMs;
    return fixture.number("SELECT count(DISTINCT segid) FROM " + std::string(index) + std::to_string(day) + "_idx");
  };
  const auto retain = [&] {
    for (int steps = 0; fixture.store->retain({})->has_more; ++steps) REQUIRE(steps < 1'000);
  };
  retain();
  CHECK(pieces("text_phrase_", 0) > 1);
  fixture.clock.advance(std::chrono::milliseconds(sql::kWeekMs));
  retain();
  for (const char* index : {"text_word_", "text_phrase_"}) {
    CAPTURE(index);
    CHECK(pieces(index, 0) == 1);
    CHECK(pieces(index, 1) > 1);
  }
  CHECK(fixture.find("common") == Titles{"issue 0", "issue 1", "issue 2"});
  CHECK(fixture.find("\"number 7\"") == Titles{"issue 1"});
  append_to(kNow);  // late, as from a spool
  CHECK(fixture.find("\"number 7\"") == Titles{"issue 1"});
}

TEST_CASE("a week whose index is damaged is told of once, and keeps nothing else from being done") {
  if (is_on_postgres()) return;
  Fixture fixture;
  for (int number = 0; number < 40; ++number) {
    for (const UnixMillis at : {kNow, kNow + sql::kWeekMs}) {
      DigestedEvent event = fixture.event("issue");
      event.received_at = at;
      event.texts = {"number " + std::to_string(number)};
      fixture.append({event});
    }
  }
  const auto name = [](int week) {
    return "text_phrase_" + std::to_string(start_of(kNow + week * sql::kWeekMs, sql::kWeekMs) / kDayMs);
  };
  const auto connection = fixture.database.connect();
  connection->execute("UPDATE " + name(0) + "_data SET block = x'ff' WHERE id > 10; UPDATE issue SET overview = ''");
  fixture.clock.advance(std::chrono::milliseconds(2 * sql::kWeekMs));
  int errors = 0;
  for (int steps = 0; steps < 200; ++steps) errors += fixture.store->retain({}) ? 0 : 1;
  CHECK(errors == 1);
  CHECK(fixture.number("SELECT count(DISTINCT segid) FROM " + name(1) + "_idx") == 1);
  CHECK(fixture.number("SELECT count(*) FROM issue WHERE overview = ''") == 0);
}

TEST_CASE("a word is found whatever is said beside it, on other days, and by other kinds of events") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (const char* title : {"a", "b"}) {
    for (int number = 0; number < 20; ++number) {
      events.push_back(fixture.event(title));
      events.back().received_at = kNow + number % 3 * kDayMs;
      events.back().texts = {"Order " + std::to_string(1'000 + number) + " of " + title + "x", "the last order"};
    }
  }
  fixture.append(events);
  check_cases(fixture, {{"order", {"a", "b"}},
                        {"1007", {"a", "b"}},
                        {"ax", {"a"}},
                        {"100", {"a", "b"}},
                        {"\"order 1007\"", {"a", "b"}},
                        {"\"1007 of bx\"", {"b"}},
                        {"\"1007 of b\"", {}},
                        {"\"last order 1001\"", {}},
                        {"1001 1019 bx", {"b"}}});
}

TEST_CASE("a text is indexed once a week and kind of event, and only so much of it a day") {
  Fixture fixture;
  const auto rows = [&] {
    const std::string week = std::to_string(start_of(kNow, sql::kWeekMs) / kDayMs);
    return fixture.number(is_on_postgres() ? "SELECT count(*) FROM event_phrase"
                                           : "SELECT count(*) FROM text_place_" + week);
  };
  std::vector<DigestedEvent> events;
  for (int count = 0; count < 10; ++count) {
    events.push_back(fixture.event("a"));
    events.back().received_at = kNow + count % 2 * kDayMs;
    events.back().texts = {"the same", "the same"};
  }
  fixture.append(events);
  CHECK(rows() == 1);
  // The first 2 KB are indexed whatever there is to do, others as a batch has room: 8 KB, and 32 bytes an event.
  const auto append_long = [&](char letter, int number) {
    for (std::size_t count = 0; count < events.size(); ++count) {
      events[count] = fixture.event("a");
      events[count].texts = {std::string(2'000, letter) + std::to_string(10 * number) + std::to_string(count)};
    }
    fixture.append(events);
  };
  append_long('a', 0);
  CHECK(rows() == 1 + 2 + 4);
  append_long('b', 0);
  CHECK(rows() == 7 + 4);
  // What had no room is indexed when it is said again.
  for (DigestedEvent& event : events) event.event_id[0] = 'f';
  fixture.append(events);
  CHECK(rows() == 11 + 4);
  for (int batch = 0; batch < 10; ++batch) append_long('c', batch);
  CHECK(rows() == 1 + 32);
}

TEST_CASE("what failed with its batch is searched by when it comes again") {
  Fixture fixture;
  DigestedEvent a = fixture.event("a");
  a.tags = {{"shop", "Oslo"}};
  a.texts = {"unheard words"};
  a.user = "id:1";
  a.user_fields = {{UserField::kId, "1"}};
  const auto fails = [](const DigestedEvent&) -> bool { throw std::runtime_error("no"); };
  REQUIRE_FALSE(fixture.store->append(std::vector{fixture.event("b"), a},
                                      [&](const DigestedEvent& event) { return event.title == "b" || fails(event); }));
  fixture.append({a});
  check_cases(fixture, {{"shop:Oslo", {"a"}}, {"unheard", {"a"}}, {"user.id:1", {"a"}}});
}

TEST_CASE("what takes longer than its deadline ends, and the connection is used on") {
  Fixture fixture;
  const auto connection = fixture.database.connect();
  const std::string endless =
      is_on_postgres() ? "SELECT pg_sleep(60)"
                       : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  {
    const sql::Deadline deadline(*connection, std::chrono::milliseconds(50));
    try {
      connection->prepare(endless).step();
      FAIL("it has ended");
    } catch (const sql::DatabaseError& error) {
      CHECK(error.cause() == sql::DatabaseError::Cause::kDeadline);
    }
    CHECK_THROWS_AS(connection->check_deadline(), sql::DatabaseError);
  }
  connection->check_deadline();
  CHECK(connection->prepare("SELECT 1").step());
  CHECK_FALSE(connection->is_lost());
}
