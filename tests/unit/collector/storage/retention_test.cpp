/// How long things are kept, and what is kept when there is little room: on both engines, in small steps.

#include "collector/storage/retention.h"

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
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

struct Fixture {
  TestDatabase database;
  ManualClock clock{kNow};
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  int count = 0;

  Fixture() { REQUIRE(store->create_project("shop", std::string(32, 'a'))); }

  DigestedEvent event(std::int64_t day, const std::string& group, ProjectId project = 1) {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++count);
    event.received_at = day * kDayMs + kHourMs + count;
    event.timestamp = event.received_at;
    event.fingerprint = group;
    event.title = group;
    event.release = "1.0";
    event.payload = R"({"number":)" + std::to_string(count) + "}";
    return event;
  }
  void append(const std::vector<DigestedEvent>& events) const {
    const auto outcome = store->append(events);
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  }

  /// Steps until there is nothing to do. Answers how many events were erased one by one.
  std::int64_t retain(const RetentionPolicy& policy) const {
    std::int64_t erased = 0;
    for (int steps = 0; steps < 20'000; ++steps) {
      const auto step = store->retain(policy);
      REQUIRE_MESSAGE(step, (step ? "" : step.error().message));
      erased += step->erased;
      if (!step->has_more) return erased;
    }
    FAIL("retention does not come to an end");
    return 0;
  }

  /// There is a little less room than is taken.
  void thin_to(std::size_t events) const {
    const RetentionPolicy policy{.days = 90, .most_bytes = store->retain({.days = 90})->bytes_used * 99 / 100};
    for (int steps = 0; days_kept().size() > events; ++steps) {
      REQUIRE(steps < 1'000);
      REQUIRE(store->retain(policy));
    }
  }

  [[nodiscard]] std::multiset<std::int64_t> days_kept() const {
    std::multiset<std::int64_t> days;
    const auto page = store->find_events({.limit = 10'000}).value();
    for (const StoredEvent& stored : page.items) {
      days.insert(stored.event.received_at / kDayMs);
    }
    return days;
  }
  void check_is_sound() const {
    const auto report = check_store(database.url(), {.is_deep = true});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) {
      CHECK_MESSAGE(finding.faults == 0, finding.what, ": ",
                    (finding.examples.empty() ? "" : finding.examples.front()));
    }
  }
};

EventWorth worth(std::int64_t row, const std::string& release, const std::string& environment, const std::string& user,
                 bool is_landmark = false) {
  return {row, 0, release, environment, user, is_landmark};
}

}  // namespace

TEST_CASE("days that are older than events are kept go as a whole, and counts and issues outlive them") {
  Fixture fixture;
  for (const std::int64_t day : {kToday - 91, kToday - 90, kToday - 1, kToday}) {
    fixture.append({fixture.event(day, "f"), fixture.event(day, "g" + std::to_string(day))});
  }
  fixture.retain({.days = 90});
  CHECK(fixture.days_kept() ==
        std::multiset<std::int64_t>{kToday - 90, kToday - 90, kToday - 1, kToday - 1, kToday, kToday});
  const auto issues = fixture.store->find_issues({.limit = 100}).value().items;
  CHECK(issues.size() == 5);
  for (const Issue& issue : issues) {
    const bool is_of_all_days = issue.title == "f";
    CHECK(issue.count == (is_of_all_days ? 4 : 1));
    CHECK(issue.stored_count == (is_of_all_days ? 3 : issue.title == "g" + std::to_string(kToday - 91) ? 0 : 1));
  }
  fixture.check_is_sound();
  if (!is_on_postgres()) CHECK_FALSE(std::filesystem::exists(fixture.database.path() + ".days/2026-08-28.db"));
}

TEST_CASE("with 0 days nothing is ever too old") {
  Fixture fixture;
  fixture.append({fixture.event(kToday - 4'000, "f")});
  fixture.retain({.days = 0});
  CHECK(fixture.days_kept().size() == 1);
}

TEST_CASE("a project keeps its events for as long as it says, longer or shorter than others") {
  Fixture fixture;
  for (const char* name : {"short", "long"}) REQUIRE(fixture.store->create_project(name, std::string(32, *name)));
  const auto set_days = [&](ProjectId project, std::int64_t days) {
    REQUIRE(fixture.store->change_project(project, [&](std::string&, IngestSettings& settings) {
      settings.retention_days = days;
      return Status{};
    }));
  };
  set_days(2, 7);
  set_days(3, 365);
  for (const std::int64_t day : {kToday - 200, kToday - 50, kToday - 3}) {
    for (ProjectId project = 1; project <= 3; ++project) fixture.append({fixture.event(day, "f", project)});
  }
  fixture.retain({.days = 90});
  const auto days_of = [&](ProjectId project) {
    std::vector<std::int64_t> days;
    const auto page = fixture.store->find_events({.project_id = project, .limit = 100}).value();
    for (const StoredEvent& stored : page.items) {
      days.push_back(kToday - stored.event.received_at / kDayMs);
    }
    return days;
  };
  CHECK(days_of(1) == std::vector<std::int64_t>{3, 50});
  CHECK(days_of(2) == std::vector<std::int64_t>{3});
  CHECK(days_of(3) == std::vector<std::int64_t>{3, 50, 200});
  fixture.check_is_sound();
}

TEST_CASE("what else clients send goes with the same age") {
  Fixture fixture;
  std::vector<StoredItem> items;
  for (const std::int64_t day : {kToday - 100, kToday - 1}) {
    StoredItem item;
    item.item_id = "report-" + std::to_string(day);
    item.project_id = 1;
    item.received_at = day * kDayMs;
    item.content = UserReport{};
    items.push_back(item);
  }
  REQUIRE(fixture.store->append_items(items));
  fixture.retain({.days = 90});
  const auto left = fixture.store->find_items({.project_id = 1, .kind = ItemKind::kUserReport, .limit = 10});
  CHECK(left->items.size() == 1);
}

TEST_CASE("an event that comes for a day that is about to go is counted and not kept") {
  Fixture fixture;
  fixture.append({fixture.event(kToday - 91, "f")});
  const auto step = fixture.store->retain({.days = 90});
  REQUIRE(step);
  CHECK(step->news.find("2026-08-28") != std::string::npos);
  CHECK(fixture.store->append(std::vector{fixture.event(kToday - 91, "f")})->counted_only == 1);
  fixture.retain({.days = 90});
  CHECK(fixture.store->find_issues({})->items.front().count == 2);
  fixture.check_is_sound();
}

TEST_CASE("who users are, and which events were only counted, is forgotten with the age of events") {
  Fixture fixture;
  const auto users = [&] {
    return fixture.store->complete_search({.of = CompletionQuery::Of::kUsers, .user_field = kAnyUserField}).value();
  };
  const auto with_user = [&](std::int64_t day, const std::string& email) {
    DigestedEvent event = fixture.event(day, "f");
    event.user = event.user_identity = "email:" + email;
    event.user_fields = {{UserField::kEmail, email}};
    return event;
  };
  const DigestedEvent too_old = with_user(kToday - 60, "cleo@example.com");
  fixture.append({with_user(kToday - 60, "cleo@example.com"), with_user(kToday - 50, "ada@example.com"),
                  with_user(kToday, "bob@example.com")});
  REQUIRE(fixture.store->retain({.days = 55}));  // that day is about to go
  CHECK(fixture.store->append(std::vector{too_old})->counted_only == 1);
  CHECK(fixture.store->append(std::vector{too_old})->duplicates == 1);
  fixture.retain({.days = 90});
  CHECK(users() == std::vector<std::string>{"ada@example.com", "bob@example.com", "cleo@example.com"});
  fixture.clock.advance(std::chrono::hours(2));  // it is not looked at all the time
  fixture.retain({.days = 40});
  CHECK(users() == std::vector<std::string>{"bob@example.com"});
  CHECK(fixture.store->append(std::vector{too_old})->duplicates == 1);  // it was counted now, whatever its age
  fixture.clock.advance(std::chrono::hours(24 * 41));
  fixture.retain({.days = 40});
  CHECK(users().empty());
  CHECK(fixture.store->append(std::vector{too_old})->duplicates == 0);
  // The events' counts stay, and users who come back are found again.
  CHECK(fixture.store->find_issues({})->items.front().count == 5);
  fixture.append({with_user(kToday, "ada@example.com")});
  CHECK(users() == std::vector<std::string>{"ada@example.com", "cleo@example.com"});
  fixture.check_is_sound();
}

TEST_CASE("the counters hold at every step, also when another process goes on with it") {
  Fixture fixture;
  for (int group = 0; group < 100; ++group) {
    fixture.append(
        {fixture.event(kToday - 91, "f" + std::to_string(group)), fixture.event(kToday, "f" + std::to_string(group))});
  }
  bool has_more = true;
  for (int steps = 0; has_more; ++steps) {
    REQUIRE(steps < 1'000);
    has_more = fixture.store->retain({.days = 90})->has_more;
    fixture.check_is_sound();
    if (steps < 30 && steps % 3 == 2) {
      fixture.store.reset();
      fixture.store = open_store(fixture.database.url(), fixture.clock).value();
    }
  }
  CHECK(fixture.days_kept().size() == 100);
}

TEST_CASE("when there is little room, old days are thinned before new ones, and each group keeps something") {
  Fixture fixture;
  for (std::int64_t day = kToday - 20; day < kToday; ++day) {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < 150; ++number) {
      events.push_back(fixture.event(day, "often"));
      // Not to be compressed.
      std::mt19937 random(static_cast<std::mt19937::result_type>(fixture.count));
      for (int letter = 0; letter < 3'000; ++letter) events.back().payload += static_cast<char>('a' + random() % 26);
    }
    events.push_back(fixture.event(day, "rare"));
    fixture.append(events);
  }
  const std::int64_t full = fixture.store->retain({.days = 90})->bytes_used;
  const RetentionPolicy policy{.days = 90, .most_bytes = full * 3 / 4};
  CHECK(fixture.retain(policy) > 0);
  CHECK(fixture.store->retain(policy)->bytes_used <= policy.most_bytes);
  const auto days = fixture.days_kept();
  CHECK(days.count(kToday - 20) < days.count(kToday - 1));
  CHECK(days.count(kToday - 20) > 1);
  const auto issues = fixture.store->find_issues({.limit = 10}).value().items;
  for (const Issue& issue : issues) {
    CHECK(issue.count == (issue.title == "often" ? 3'000 : 20));
    if (issue.title == "rare") CHECK(issue.stored_count == 20);
  }
  fixture.check_is_sound();
}

TEST_CASE("what is far above the limit loses its oldest days at once") {
  Fixture fixture;
  for (std::int64_t day = kToday - 5; day <= kToday; ++day) fixture.append({fixture.event(day, "f")});
  RetentionStep step;
  for (int steps = 0; steps < 200; ++steps) step = fixture.store->retain({.days = 90, .most_bytes = 1'000}).value();
  CHECK(step.is_urgent);
  CHECK(fixture.days_kept() == std::multiset<std::int64_t>{kToday});
  // There is no room for the database alone: what comes now is only counted.
  CHECK(fixture.store->append(std::vector{fixture.event(kToday, "f")})->counted_only == 1);
  fixture.check_is_sound();
  // And kept again as soon as there is.
  REQUIRE(fixture.store->retain({.days = 90}));
  CHECK(fixture.store->append(std::vector{fixture.event(kToday, "f")})->stored == 1);
}

TEST_CASE("above the limit of bytes events are only counted, from one look at what is used to the next") {
  Fixture fixture;
  const auto large = [&](const std::string& group) {
    DigestedEvent event = fixture.event(kToday, group);
    std::mt19937 random(static_cast<std::mt19937::result_type>(fixture.count));
    for (int letter = 0; letter < 3'000; ++letter) event.payload += static_cast<char>('a' + random() % 26);
    return event;
  };
  const RetentionPolicy policy{.days = 90, .most_bytes = 8'000'000};
  REQUIRE(fixture.store->retain(policy));
  std::int64_t stored = 0;
  std::int64_t counted_only = 0;
  for (int batch = 0; batch < 60; ++batch) {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < 100; ++number) events.push_back(large("often"));
    const auto outcome = fixture.store->append(events);
    REQUIRE(outcome);
    stored += static_cast<std::int64_t>(outcome->stored);
    counted_only += static_cast<std::int64_t>(outcome->counted_only);
  }
  CHECK(stored > 1'000);
  CHECK(counted_only > 0);
  // The first of a group has room yet.
  CHECK(fixture.store->append(std::vector{large("rare"), large("rare")})->stored == 1);
  const RetentionPolicy unlimited{.days = 90};
  CHECK(fixture.store->retain(unlimited)->bytes_used <= policy.most_bytes * 105 / 100);
  CHECK(fixture.store->find_issues({})->items.size() == 2);
  fixture.check_is_sound();
}

TEST_CASE("with no other room left, ids of events that were only counted go within minutes") {
  Fixture fixture;
  fixture.append({fixture.event(kToday, "f")});
  const RetentionPolicy policy{.days = 90, .most_bytes = 1'000};
  for (int steps = 0; steps < 50; ++steps) REQUIRE(fixture.store->retain(policy));
  const DigestedEvent again = fixture.event(kToday, "f");
  CHECK(fixture.store->append(std::vector{again})->counted_only == 1);
  CHECK(fixture.store->append(std::vector{again})->duplicates == 1);
  fixture.clock.advance(std::chrono::minutes(3));
  for (int steps = 0; steps < 50; ++steps) REQUIRE(fixture.store->retain(policy));
  CHECK(fixture.store->append(std::vector{again})->counted_only == 1);
}

TEST_CASE("of many events that are only counted few ids are kept, the newest, however short a time that is") {
  Fixture fixture;
  fixture.append({fixture.event(kToday, "f")});
  const RetentionPolicy policy{.days = 90, .most_bytes = 1'000};
  for (int steps = 0; steps < 50; ++steps) REQUIRE(fixture.store->retain(policy));
  std::vector<DigestedEvent> newest;
  for (int second = 0; second < 20; ++second) {
    newest.clear();
    for (int number = 0; number < 1'000; ++number) newest.push_back(fixture.event(kToday, "f"));
    CHECK(fixture.store->append(newest)->counted_only == 1'000);
    fixture.clock.advance(std::chrono::seconds(1));
    // Retention takes away few at a time, and waits its turn: what comes in must not outrun it.
    REQUIRE(fixture.store->retain(policy));
  }
  const auto connection = fixture.database.connect();
  sql::Statement ids = connection->prepare("SELECT count(*) FROM event_counted");
  REQUIRE(ids.step());
  CHECK(ids.integer(0) >= 4'000);
  CHECK(ids.integer(0) <= 7'000);
  ids.reset();
  CHECK(fixture.store->append(newest)->duplicates == 1'000);
  CHECK(fixture.store->find_issues({})->items.front().count == 20'001);
}

TEST_CASE("ids that go in many projects all the time do not keep days from being thinned") {
  Fixture fixture;
  constexpr int kProjects = 40;
  for (int project = 1; project < kProjects; ++project) {
    REQUIRE(fixture.store->create_project("p" + std::to_string(project), "key" + std::to_string(project)));
  }
  for (int number = 0; number < 600; ++number) fixture.append({fixture.event(kToday - 1, "f")});
  // A minute ago and since, each second.
  const auto count_in_each = [&] {
    std::vector<DigestedEvent> events;
    for (ProjectId project = 1; project <= kProjects; ++project) events.push_back(fixture.event(kToday, "f", project));
    REQUIRE(fixture.store->append(events, [](const DigestedEvent&) { return false; }));
    fixture.clock.advance(std::chrono::seconds(1));
  };
  for (int second = 0; second < 62; ++second) count_in_each();
  const RetentionPolicy policy{.days = 90, .most_bytes = fixture.store->retain({.days = 90})->bytes_used * 98 / 100};
  std::int64_t erased = 0;
  for (int second = 0; second < 90 && erased == 0; ++second) {
    // Steps of 50 ms: a second is not enough for all projects.
    for (int step = 0; step < 20; ++step) {
      const auto done = fixture.store->retain(policy);
      REQUIRE(done);
      erased += done->erased;
      fixture.clock.advance(std::chrono::milliseconds(50));
    }
    count_in_each();
  }
  CHECK(erased > 0);
}

TEST_CASE("far above the limit events that are only counted add nothing but their number") {
  Fixture fixture;
  const auto of_user = [&](const std::string& who) {
    DigestedEvent event = fixture.event(kToday, "f");
    event.user = event.user_identity = "id:" + who;
    event.user_fields = {{UserField::kId, who}};
    event.tags = {{"who", who}};
    event.texts = {"said by " + who};
    return event;
  };
  fixture.append({of_user("ada")});
  for (int steps = 0; steps < 50; ++steps) REQUIRE(fixture.store->retain({.days = 90, .most_bytes = 1'000}));
  CHECK(fixture.store->append(std::vector{of_user("bob")})->counted_only == 1);
  const auto finds = [&](const std::string& text) {
    IssueQuery query;
    query.search = parse_search(text, {}).value();
    return fixture.store->find_issues(query)->items.size();
  };
  for (const std::string before : {"who:", "user.id:", ""}) {
    CHECK(finds(before + "ada") == 1);
    CHECK(finds(before + "bob") == 0);
  }
  const Issue issue = fixture.store->find_issues({})->items.front();
  CHECK(issue.count == 2);
  CHECK(issue.user_count == 1);
  fixture.check_is_sound();
}

TEST_CASE("thinning keeps an issue's first and newest event, and the first of each release") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 400; ++number) {
    events.push_back(fixture.event(kToday - 1, "f"));
    events.back().release = number < 200 ? "1.0" : "2.0";
  }
  fixture.append(events);
  fixture.thin_to(103);
  std::set<std::string> kept;
  const auto page = fixture.store->find_events({.limit = 1'000}).value();
  for (const StoredEvent& stored : page.items) kept.insert(stored.event.event_id);
  for (const std::size_t landmark : {0U, 200U, 399U}) CHECK(kept.contains(events[landmark].event_id));
}

TEST_CASE("a sender whose clock stands still does not keep its events from being thinned") {
  Fixture fixture;
  std::vector<DigestedEvent> events;
  for (int number = 0; number < 300; ++number) {
    events.push_back(fixture.event(kToday - 1, "f"));
    events.back().timestamp = kToday * kDayMs - kHourMs;
  }
  fixture.append(events);
  fixture.thin_to(103);
}

TEST_CASE("thinning keeps the event with which a resolved issue came back") {
  Fixture fixture;
  const auto events_of_now = [&](int number) {
    std::vector<DigestedEvent> events;
    for (int left = number; left > 0; --left) {
      fixture.clock.advance(std::chrono::milliseconds(2));
      events.push_back(fixture.event(kToday, "f"));
      events.back().received_at = events.back().timestamp = fixture.clock.unix_millis();
    }
    return events;
  };
  fixture.append(events_of_now(200));
  const IssueId issue = fixture.store->find_issues({})->items.front().id;
  REQUIRE(fixture.store->set_issue_state(issue, {.status = IssueStatus::kResolved}, "ada"));
  const auto back = events_of_now(1);
  fixture.append(back);
  CHECK(fixture.store->find_issue(issue).value()->state.status == IssueStatus::kUnresolved);
  fixture.append(events_of_now(200));
  fixture.clock.advance(std::chrono::hours(24));
  fixture.thin_to(103);
  CHECK(fixture.store->has_event(1, back.front().event_id).value());
}

TEST_CASE("landmarks are kept, whatever the number") {
  const std::vector events = {worth(1, "a", "", "", true), worth(2, "a", "", ""), worth(3, "a", "", "", true)};
  CHECK(choose_worth_keeping(events, 1) == std::vector<std::int64_t>{1, 3});
}

TEST_CASE("the rarest by release, environment and user are kept, and not many of one kind") {
  std::vector<EventWorth> events;
  for (int row = 0; row < 50; ++row) events.push_back(worth(row, "1.0", "production", "user"));
  events.push_back(worth(50, "1.1", "production", "user"));
  events.push_back(worth(51, "1.0", "staging", "user"));
  events.push_back(worth(52, "1.0", "production", "somebody"));
  for (int row = 53; row < 60; ++row) events.push_back(worth(row, "1.2", "production", "user"));
  const auto kept = choose_worth_keeping(events, 4);
  CHECK(std::set(kept.begin(), kept.end()) == std::set<std::int64_t>{50, 51, 52, 53});
}

TEST_CASE("all are kept when there are not more than asked for, in their order") {
  const std::vector events = {worth(1, "a", "", ""), worth(2, "b", "", "")};
  CHECK(choose_worth_keeping(events, 5) == std::vector<std::int64_t>{1, 2});
  CHECK(choose_worth_keeping({}, 5).empty());
}
