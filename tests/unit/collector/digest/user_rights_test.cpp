/// What is stored of one user is found, told and erased, on both engines, with payloads as digestion stores them.

#include "collector/storage/user_rights.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/digest/event_reader.h"
#include "collector/digest/stored_payload.h"
#include "collector/storage/consistency.h"
#include "collector/storage/erasure_report.h"
#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sql/text_index.h"
#include "collector/storage/time_span.h"
#include "tests/support/manual_clock.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::is_on_postgres;
using trapline::tests::ManualClock;
using trapline::tests::TestDatabase;

namespace {

constexpr std::int64_t kToday = 20'784;  // 2026-11-27
constexpr UnixMillis kNow = kToday * kDayMs + 12 * kHourMs;

using Titles = std::vector<std::string>;

UserSelector user_of(const std::vector<std::string>& texts, std::optional<ProjectId> project = {}) {
  UserSelector user;
  for (const std::string& text : texts) user.values.push_back(parse_user_value(text).value());
  user.project = project;
  return user;
}

struct Fixture {
  TestDatabase database;
  ManualClock clock{kNow};
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  StoredPayloadReader reader{UserKey{}};
  int count = 0;

  Fixture() {
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    REQUIRE(store->create_project("other", std::string(32, 'b')));
  }

  /// As it comes out of digestion. `more`: members of the payload, each with a comma before it.
  DigestedEvent event(const std::string& group, const std::string& message, const std::string& user,
                      const std::string& more = "", ProjectId project = 1, std::int64_t day = kToday) {
    SpooledEvent spooled;
    spooled.project_id = project;
    spooled.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++count);
    spooled.received_at = day * kDayMs + kHourMs + count;
    spooled.payload = R"({"message":")" + message + R"(","user":)" + user + more + "}";
    DigestedEvent event = read_event(spooled).record;
    event.fingerprint = group;
    return event;
  }
  std::string append(const DigestedEvent& event) const {
    const auto outcome = store->append(std::span(&event, 1));
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
    return event.event_id;
  }
  template <class Content>
  void put(const std::string& id, Content content, ProjectId project = 1) const {
    const StoredItem item{id, project, kNow, std::move(content)};
    REQUIRE(store->append_items(std::span(&item, 1)));
  }

  /// Steps until all is erased.
  ErasedCounts erase(const UserSelector& user, bool is_dry = false) const {
    const auto erasure = store->begin_erasure(user, reader, is_dry).value();
    while (step(*erasure)) {
    }
    ErasedCounts sum;
    for (const auto& [project, counts] : erasure->counts()) sum += counts;
    return sum;
  }
  bool step(UserErasure& erasure) const {
    const auto step = store->erase_some(erasure);
    REQUIRE_MESSAGE(step, (step ? "" : step.error().message));
    return step->has_more;
  }
  std::map<std::string, int> walk(const UserSelector& user) const {
    std::map<std::string, int> kinds;
    const auto walk = store->begin_walk(user, reader).value();
    for (bool is_last = false; !is_last;) {
      const auto page = store->walk_on(*walk);
      REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
      for (const UserRecord& record : page->records) {
        constexpr const char* kKinds[] = {"event", "item", "quarantined", "name"};
        ++kinds[kKinds[record.index()]];
      }
      is_last = page->is_last;
    }
    return kinds;
  }

  [[nodiscard]] Titles find(const std::string& text) const {
    IssueQuery query;
    query.search = parse_search(text, {kNow, {}}).value();
    query.limit = 100;
    const auto found = store->find_issues(query);
    REQUIRE_MESSAGE(found, (found ? "" : found.error().message));
    Titles titles;
    for (const Issue& issue : found->items) titles.push_back(issue.title);
    std::sort(titles.begin(), titles.end());
    return titles;
  }
  [[nodiscard]] Issue issue(const std::string& text) const {
    IssueQuery query;
    query.search = parse_search(text, {kNow, {}}).value();
    auto found = store->find_issues(query).value();
    REQUIRE(found.items.size() == 1);
    return found.items.front();
  }
  [[nodiscard]] std::int64_t number(const std::string& sql) const {
    const auto connection = database.connect();
    sql::Statement statement = connection->prepare(sql);
    REQUIRE(statement.step());
    return statement.integer(0);
  }
  void check_is_sound() const {
    const auto report = check_store(database.url(), {.is_deep = true});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) {
      CHECK_MESSAGE(finding.faults == 0, finding.what, ": ",
                    (finding.examples.empty() ? "" : finding.examples.front()));
    }
    CHECK(number("SELECT count(*) FROM erasure_rest") == 0);
  }
};

const std::string kAda = R"({"id":42,"email":"Ada@Example.com","ip_address":"192.0.2.7"})";
const std::string kBob = R"({"id":7,"email":"bob@example.com"})";

}  // namespace

TEST_CASE("all of a user goes, by any of the values that events tell, and others' stays") {
  Fixture fixture;
  fixture.append(fixture.event("g", "kumquat of ada", kAda, R"(,"tags":{"basket":"ada's","browser":"Fx"})"));
  fixture.append(fixture.event("g", "shared words", kBob, R"(,"tags":{"browser":"Fx"})"));
  fixture.append(fixture.event("g", "shared words", R"({"id":"other","email":" ada@example.com "})"));
  fixture.append(fixture.event("own", "only ada saw this", kAda));
  fixture.append(fixture.event("g2", "tagged", R"({})", R"(,"tags":{"user.email":"ada@example.com"})"));
  fixture.append(fixture.event("g2", "untagged", kBob));
  const Issue before = fixture.issue("shared");
  CHECK(before.user_count == 3);

  const UserSelector ada = user_of({"email:ada@example.com"});
  const ErasedCounts dry = fixture.erase(ada, true);
  CHECK(dry.events == 4);
  CHECK(dry.issues == 3);
  CHECK(fixture.store->find_events({.limit = 100})->items.size() == 6);

  const ErasedCounts erased = fixture.erase(ada);
  CHECK(erased.events == 4);
  CHECK(erased.issues == 3);
  CHECK(erased.issues_deleted == 1);
  CHECK(fixture.store->find_events({.limit = 100})->items.size() == 2);
  CHECK(fixture.find("kumquat").empty());
  CHECK(fixture.find("only ada saw this").empty());
  CHECK(fixture.find("basket:ada's").empty());
  CHECK(fixture.find("user.email:Ada@Example.com").empty());
  CHECK(fixture.find("user.id:42").empty());
  CHECK(fixture.find("user.ip:192.0.2.7").empty());
  CHECK(fixture.find("user.id:other").empty());
  CHECK(fixture.find("user.email:bob@example.com") == Titles{"shared words", "untagged"});
  CHECK(fixture.find("\"shared words\"") == Titles{"shared words"});
  CHECK(fixture.find("browser:Fx") == Titles{"shared words"});
  CHECK(fixture.find("has:basket").empty());
  CHECK(fixture.find("has:browser") == Titles{"shared words"});
  const Issue after = fixture.issue("shared");
  CHECK(after.count == before.count);
  CHECK(after.stored_count == 1);
  CHECK(after.user_count == 1);
  fixture.check_is_sound();
  CHECK(fixture.erase(ada) == ErasedCounts{});
}

TEST_CASE(
    "what somebody else said of the same day and group is found as before, in both parts of the writer's memory") {
  Fixture fixture;
  // The second one's text is known by then: the index has it from the user's event alone.
  fixture.append(fixture.event("g", "alpha beta", kAda));
  fixture.append(fixture.event("g", "alpha beta", kBob));
  fixture.append(fixture.event("g", "gamma", kAda, "", 1, kToday - 1));
  fixture.append(fixture.event("g", "delta", kBob, "", 1, kToday - 1));
  fixture.erase(user_of({"id:42"}));
  CHECK(fixture.find("\"alpha beta\"").size() == 1);
  CHECK(fixture.find("gamma").empty());
  CHECK(fixture.find("delta").size() == 1);
  // The writer indexes what comes now, though it had indexed the same before.
  fixture.append(fixture.event("g", "gamma", kBob));
  CHECK(fixture.find("gamma").size() == 1);
  fixture.check_is_sound();
}

TEST_CASE("a user who comes back is stored again, and found") {
  Fixture fixture;
  fixture.append(fixture.event("g", "first", kAda));
  fixture.append(fixture.event("g", "bob's", kBob));
  fixture.erase(user_of({"id:42"}));
  CHECK(fixture.find("user.id:42").empty());
  fixture.append(fixture.event("g", "second", kAda));
  CHECK(fixture.find("user.id:42").size() == 1);
  CHECK(fixture.issue("second").user_count == 2);
  fixture.check_is_sound();
}

TEST_CASE("files, feedback and sessions go with their user") {
  Fixture fixture;
  const std::string of_ada = fixture.append(fixture.event("g", "a", kAda));
  const std::string of_bob = fixture.append(fixture.event("g", "b", kBob));
  fixture.put("f1", Attachment{of_ada, "ada.log", "text/plain", "event.attachment", std::string(100'000, 'x')});
  fixture.put("f2", Attachment{of_bob, "bob.log", "text/plain", "event.attachment", "b"});
  fixture.put("r1", UserReport{.event_id = of_ada, .name = "A", .message = "of the event"});
  fixture.put("r2", UserReport{.email = "ADA@example.com", .message = "without one"});
  fixture.put("r3", UserReport{.event_id = of_bob, .email = "bob@example.com", .message = "bob's"});
  SessionUpdate session;
  session.sid = std::string(32, 'd');
  session.user = "42";
  session.release = "1.0";
  fixture.put("s1", session);
  session.sid = std::string(32, 'e');
  session.user = fixture.reader.session_user(1, "ada@example.com");
  fixture.put("s2", session);
  session.sid = std::string(32, 'f');
  session.user = "7";
  fixture.put("s3", session);
  fixture.put("c1", SessionCounts{.started = 1, .user = "42", .exited = 2});

  const UserSelector ada = user_of({"id:42", "email:ada@example.com"});
  const auto kinds = fixture.walk(ada);
  CHECK(kinds.at("event") == 1);
  CHECK(kinds.at("item") == 6);
  const ErasedCounts dry = fixture.erase(ada, true);
  const ErasedCounts erased = fixture.erase(ada);
  CHECK(erased.events == 1);
  CHECK(erased.attachments == 1);
  CHECK(erased.feedback == 2);
  CHECK(erased.sessions == 3);
  CHECK(dry.attachments == 1);
  CHECK(dry.feedback == 2);
  CHECK(dry.sessions == 3);
  CHECK(fixture.number("SELECT count(*) FROM attachment") == 1);
  CHECK(fixture.number("SELECT count(*) FROM user_report") == 1);
  CHECK(fixture.number("SELECT count(*) FROM session") == 1);
  CHECK(fixture.number("SELECT count(*) FROM release_user") == 1);
  for (int sweeps = 0; sweeps < 10 && fixture.store->sweep_files().value(); ++sweeps) {
  }
  CHECK(fixture.number("SELECT count(*) FROM stored_file") == 0);
  CHECK(fixture.walk(ada).empty());
  fixture.check_is_sound();
}

TEST_CASE("what stands in the quarantine is found by its user, also when it is no JSON") {
  Fixture fixture;
  const auto quarantine = [&](char id, const std::string& payload) {
    QuarantinedEvent event;
    event.project_id = 1;
    event.event_id = std::string(32, id);
    event.received_at = kNow;
    event.error = "e";
    event.payload = payload;
    REQUIRE(fixture.store->quarantine(event));
  };
  quarantine('a', R"({"user":{"email":"ada@example.com"}})");
  quarantine('b', R"({"user":{"email":"ada@example.com")");
  quarantine('c', R"({"user":{"email":"bob@example.com"}})");
  CHECK(fixture.erase(user_of({"email:ada@example.com"})).quarantined == 2);
  CHECK(fixture.store->list_quarantine(1)->size() == 1);
  fixture.check_is_sound();
}

TEST_CASE("one project's can be erased alone") {
  Fixture fixture;
  fixture.append(fixture.event("g", "here", kAda, "", 1));
  fixture.append(fixture.event("g", "there", kAda, "", 2));
  CHECK(fixture.erase(user_of({"id:42"}, 1)).events == 1);
  CHECK(fixture.find("user.id:42") == Titles{"there"});
  fixture.check_is_sound();
}

TEST_CASE("broken off after any step, an erasure is completed by the next one") {
  bool is_whole = false;
  int most_steps = 0;
  while (!is_whole) {
    ++most_steps;
    Fixture fixture;
    fixture.append(fixture.event("g", "kumquat of ada", kAda, R"(,"tags":{"basket":"adas"})"));
    fixture.append(fixture.event("g", "of bob", kBob));
    fixture.append(fixture.event("own", "only ada", kAda));
    const UserSelector ada = user_of({"email:ada@example.com"});
    {
      const auto erasure = fixture.store->begin_erasure(ada, fixture.reader, false).value();
      is_whole = true;
      for (int steps = 0; is_whole && fixture.step(*erasure); ++steps) is_whole = steps < most_steps;
    }
    fixture.store = open_store(fixture.database.url(), fixture.clock).value();
    fixture.erase(ada);
    CAPTURE(most_steps);
    CHECK(fixture.find("kumquat").empty());
    CHECK(fixture.find("basket:adas").empty());
    CHECK(fixture.find("user.id:42").empty());
    CHECK(fixture.find("bob") == Titles{"of bob"});
    CHECK(fixture.issue("bob").user_count == 1);
    CHECK(fixture.store->count_issues().value() == 1);
    fixture.check_is_sound();
  }
  CHECK(most_steps > 10);
}

TEST_CASE("an issue that has counted more than was erased stays, under no title of the user's") {
  Fixture fixture;
  fixture.append(fixture.event("g", "ada's secret", kAda));
  const DigestedEvent counted = fixture.event("g", "bob's", kBob);
  REQUIRE(fixture.store->append(std::span(&counted, 1), [](const DigestedEvent&) { return false; }));
  fixture.erase(user_of({"id:42"}));
  const auto issues = fixture.store->find_issues({.limit = 10})->items;
  REQUIRE(issues.size() == 1);
  CHECK(issues.front().title == "(erased at a user's wish)");
  CHECK(issues.front().count == 2);
  CHECK(issues.front().stored_count == 0);
  CHECK(fixture.store->list_hashes(issues.front().id)->front().title.find("secret") == std::string::npos);
  fixture.check_is_sound();
}

TEST_CASE("of what was said, what others have said too is still found: the words, and the whole text") {
  Fixture fixture;
  fixture.append(fixture.event("g", "kumquat pie for ada: kumquat", kAda));
  fixture.append(fixture.event("g", "a pie for everybody", kAda));
  fixture.append(fixture.event("g", "a pie for everybody", kBob));
  fixture.append(fixture.event("g", "pie is kumquats pie", kBob));
  fixture.append(fixture.event("g", "ada of old", kBob, "", 1, kToday - 14));
  fixture.erase(user_of({"id:42"}));
  for (const char* found : {"pie", "everybody", "\"pie for everybody\"", "kumquats", "ada", "\"ada of old\""}) {
    CAPTURE(found);
    CHECK(fixture.find(found).size() == 1);
  }
  for (const char* gone : {"\"kumquat pie\"", "\"for ada\"", "\"pie for ada\""}) {
    CAPTURE(gone);
    CHECK(fixture.find(gone).empty());
  }
  // And what comes in is found.
  fixture.append(fixture.event("g", "kumquat pie for ada", kBob));
  CHECK(fixture.find("\"kumquat pie for ada\"").size() == 1);
  fixture.check_is_sound();
}

TEST_CASE("what others say while a user is erased is found in the end, and what the user alone has said is not") {
  struct Case {
    std::string text;
    Titles found;
    Titles gone;
  };
  for (const Case& one : {Case{"kumquat pie", {"kumquat", "\"kumquat pie\""}, {}},
                          Case{"kumquat jam", {"kumquat", "jam"}, {"pie", "\"kumquat pie\""}}}) {
    CAPTURE(one.text);
    bool is_whole = true;
    for (int steps_before = 0; is_whole; ++steps_before) {
      CAPTURE(steps_before);
      Fixture fixture;
      fixture.append(fixture.event("g", "kumquat pie", kAda));
      fixture.append(fixture.event("g", "of bob", kBob));
      const auto erasure = fixture.store->begin_erasure(user_of({"id:42"}), fixture.reader, false).value();
      for (int steps = 0; steps < steps_before && is_whole; ++steps) is_whole = fixture.step(*erasure);
      fixture.append(fixture.event("g", one.text, kBob));
      while (is_whole && fixture.step(*erasure)) {
      }
      for (const std::string& text : one.found) CHECK_MESSAGE(fixture.find(text).size() == 1, text);
      for (const std::string& text : one.gone) CHECK_MESSAGE(fixture.find(text).empty(), text);
      fixture.check_is_sound();
    }
  }
}

TEST_CASE("texts that were indexed under other marks are indexed anew from the events that remain") {
  Fixture fixture;
  fixture.append(fixture.event("g", "kumquat pie", kAda));
  fixture.append(fixture.event("g", "apple pie", kBob));
  if (is_on_postgres()) {
    fixture.database.connect()->execute("UPDATE event_phrase SET mark = mark + 1");
  } else {
    // As old_text_index.cpp does: by the words as the index has them.
    const std::string week = std::to_string(start_of(kToday * kDayMs, sql::kWeekMs) / kDayMs);
    std::string sql =
        "INSERT INTO text_phrase_W (text_phrase_W, rowid, words) SELECT 'delete', place, said FROM text_place_W JOIN "
        "(SELECT 1 AS number, 'kumquat pie' AS said UNION SELECT 2, 'apple pie') ON number = id; "
        "UPDATE text_place_W SET place = place + 1; INSERT INTO text_phrase_W (rowid, words) SELECT place, said FROM "
        "text_place_W JOIN (SELECT 1 AS number, 'kumquat pie' AS said UNION SELECT 2, 'apple pie') ON number = id "
        "ORDER BY place";
    for (auto at = sql.find("_W"); at != std::string::npos; at = sql.find("_W")) sql.replace(at + 1, 1, week);
    fixture.database.connect()->execute(sql);
  }
  fixture.erase(user_of({"id:42"}));
  CHECK(fixture.find("kumquat").empty());
  for (const char* found : {"apple", "pie", "app", "\"apple pie\""}) {
    CAPTURE(found);
    CHECK(fixture.find(found).size() == 1);
  }
  fixture.check_is_sound();
}

TEST_CASE("the removed words leave the file of SQLite's index, too") {
  if (is_on_postgres()) return;
  Fixture fixture;
  fixture.append(fixture.event("g", "kumquatissimo", kAda));
  fixture.append(fixture.event("g", "of bob", kBob));
  fixture.erase(user_of({"id:42"}));
  const auto connection = fixture.database.connect();
  for (const std::string table : {"text_word_", "text_phrase_"}) {
    const std::string index = table + std::to_string(start_of(kToday * kDayMs, sql::kWeekMs) / kDayMs);
    CAPTURE(index);
    sql::Statement segments =
        connection->prepare("SELECT count(*) FROM " + index + "_data WHERE instr(block, CAST('kumquat' AS BLOB)) > 0");
    REQUIRE(segments.step());
    CHECK(segments.integer(0) == 0);
    segments.reset();
    std::string check = "INSERT INTO " + index;
    check.append("(").append(index).append(") VALUES ('integrity-check')");
    CHECK_NOTHROW(connection->execute(check));
  }
}

TEST_CASE("the removed words leave PostgreSQL's index of words, too") {
  if (!is_on_postgres()) return;
  Fixture fixture;
  fixture.append(fixture.event("g", "kumquatissimo", kAda));
  fixture.append(fixture.event("g", "of bob", kBob));
  fixture.erase(user_of({"id:42"}));
  CHECK(fixture.number("SELECT count(*) FROM event_word WHERE word LIKE '%kumquat%'") == 0);
  CHECK(fixture.number("SELECT count(*) FROM event_phrase WHERE CAST(words AS TEXT) LIKE '%kumquat%'") == 0);
}

TEST_CASE("many events of many days and groups go in slices, each with a moment of the writer's") {
  Fixture fixture;
  std::vector<DigestedEvent> batch;
  for (int number = 0; number < 600; ++number) {
    const std::string group = "g" + std::to_string(number % 50);
    batch.push_back(fixture.event(group, "word" + std::to_string(1'000 + number), number % 3 == 0 ? kAda : kBob, "", 1,
                                  kToday - number % 4));
  }
  REQUIRE(fixture.store->append(batch));
  const auto erasure = fixture.store->begin_erasure(user_of({"ip:192.0.2.7"}), fixture.reader, false).value();
  int slices = 0;
  for (bool has_more = true; has_more;) {
    const auto step = fixture.store->erase_some(*erasure);
    REQUIRE_MESSAGE(step, (step ? "" : step.error().message));
    has_more = step->has_more;
    if (step->held_writer.count() > 0) ++slices;
  }
  CHECK(slices > 5);
  CHECK(erasure->counts().at(1).events == 200);
  CHECK(fixture.find("word1003").empty());
  CHECK(fixture.find("word1004").size() == 1);
  fixture.check_is_sound();
}

TEST_CASE("a report is what was signed, and a changed one is not") {
  Fixture fixture;
  const std::string seed = fixture.store->report_seed().value();
  CHECK(seed.size() == 32);
  CHECK(fixture.store->report_seed().value() == seed);
  ErasureFacts facts;
  facts.user = user_of({"email:Ada@Example.com"});
  facts.requested_by = "dpo@example.com";
  facts.finished_at = kNow;
  facts.counts[1].events = 12;
  facts.project_names[1] = "shop";
  const std::string report = make_erasure_report(facts, seed);
  const std::string key = report_public_key(seed);
  const auto verified = verify_erasure_report(report, key);
  REQUIRE(verified);
  CHECK(verified->find("dpo@example.com") != std::string::npos);
  CHECK(verified->find(report_user_hash({UserField::kEmail, "ada@example.com"}, seed)) != std::string::npos);
  CHECK(report.find("Ada@Example.com") == std::string::npos);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = report;
    other.replace(other.find(from), from.size(), to);
    const auto outcome = verify_erasure_report(other, key);
    REQUIRE_FALSE(outcome);
    return outcome.error().code;
  };
  CHECK(changed("\"events\": 12", "\"events\": 13") == "forged");
  CHECK(changed("\"events\": 12", "\"events\": 11, \"events\": 12") == "malformed");
  CHECK(changed("\"signature\": \"", "\"signature\": \"0") == "malformed");
  CHECK(verify_erasure_report(report, report_public_key(std::string(32, 'x'))).error().code == "other_key");
  CHECK(verify_erasure_report("{}", key).error().code == "malformed");
  CHECK(verify_erasure_report(report, "abc").error().code == "malformed");
}

TEST_CASE("who is meant must be said, and what is no such value is refused") {
  for (const char* text : {"ada", "mail:ada@example.com", "email:", "email:ada", "ip:here", "ip:1.2.3.4.5"}) {
    const auto parsed = parse_user_value(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == "invalid_user");
  }
  CHECK_FALSE(parse_user_value("id:" + std::string(1'001, 'x')));
  CHECK(user_of({"ip:2001:db8::1"}).matches(UserField::kIpAddress, "2001:0db8:0:0::1"));
  CHECK(user_of({"ip:192.0.2.7"}).matches(UserField::kIpAddress, "::ffff:192.0.2.7"));
  CHECK_FALSE(user_of({"id:42"}).matches(UserField::kUsername, "42"));
}
