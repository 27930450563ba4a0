/// What an issue's row says of its hashes is what their rows say, however they came to be.

#include "collector/storage/sql/issue_overview.h"

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/open_store.h"
#include "collector/storage/time_span.h"
#include "tests/support/manual_clock.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::ManualClock;
using trapline::tests::TestDatabase;

namespace {

constexpr UnixMillis kNow = 1795223297698;

/// The same numbers in each run.
class Dice {
 public:
  std::uint64_t below(std::uint64_t end) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % end;
  }

 private:
  std::uint64_t state_ = 1;
};

using Shown = std::tuple<std::vector<std::int64_t>, std::string, std::string, std::vector<std::string>>;

struct Fixture {
  TestDatabase database;
  ManualClock clock{kNow};
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  int count = 0;

  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }

  DigestedEvent event(const std::string& group, UnixMillis at) {
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++count);
    event.timestamp = at;
    event.received_at = kNow;
    event.fingerprint = event.title = group;
    event.payload = "{}";
    return event;
  }
  void append(const std::vector<DigestedEvent>& events) const {
    const auto outcome = store->append(events);
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  }
  [[nodiscard]] std::map<IssueId, Shown> shown() const {
    const auto page = store->find_issues({.with_environments = true, .limit = 100});
    REQUIRE_MESSAGE(page, (page ? "" : page.error().message));
    std::map<IssueId, Shown> shown;
    for (const Issue& issue : page->items) {
      shown[issue.id] = {{issue.daily_counts.begin(), issue.daily_counts.end()},
                         issue.first_release,
                         issue.last_release,
                         issue.environments};
    }
    return shown;
  }
  void execute(const std::string& sql) const { database.connect()->execute(sql); }
  /// What the rows say and what the hashes' rows say.
  void check_is_right() const {
    const auto report = check_store(database.url());
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) {
      CHECK_MESSAGE(finding.faults == 0, finding.what, ": ",
                    (finding.examples.empty() ? "" : finding.examples.front()));
    }
    const auto told = shown();
    execute("UPDATE issue SET overview = ''");
    CHECK(shown() == told);
  }
};

}  // namespace

TEST_CASE("days, releases and environments of issues are those of their hashes, in whatever order events come") {
  Fixture fixture;
  Dice dice;
  for (int batch = 0; batch < 30; ++batch) {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < 20; ++number) {
      // Each at a time of its own: of releases seen at one and the same, either is the first.
      const auto ago = static_cast<UnixMillis>(dice.below(480)) * kHourMs + fixture.count;
      DigestedEvent event = fixture.event("g" + std::to_string(dice.below(4)), kNow - ago);
      const auto release = dice.below(6);
      if (release > 0) event.release = "shop@" + std::to_string(release);
      const auto environment = dice.below(4);
      if (environment > 0) event.environment = "env" + std::to_string(environment);
      event.occurrences = 1 + static_cast<std::int64_t>(dice.below(3));
      events.push_back(event);
    }
    fixture.append(events);
    if (batch % 10 == 9) fixture.check_is_right();
  }
  const auto issues = fixture.store->find_issues({.limit = 100})->items;
  REQUIRE(issues.size() == 4);
  REQUIRE(fixture.store->merge_issues(issues[0].id, std::vector{issues[1].id, issues[2].id}, "ada"));
  fixture.check_is_right();
  fixture.append({fixture.event("g0", kNow), fixture.event("g1", kNow), fixture.event("g2", kNow)});
  fixture.check_is_right();
  const auto hashes = fixture.store->list_hashes(issues[0].id).value();
  REQUIRE(fixture.store->unmerge_hashes(issues[0].id, std::vector{hashes.front().id}, "ada"));
  fixture.check_is_right();
}

TEST_CASE("days that are over leave an issue's row, and the others stay where they were") {
  Fixture fixture;
  for (int day = 0; day < 40; ++day) fixture.append({fixture.event("g", kNow + day * kDayMs)});
  fixture.clock.advance(std::chrono::milliseconds(39 * kDayMs));
  CHECK(std::get<0>(fixture.shown().begin()->second) == std::vector<std::int64_t>(kSparklineDays, 1));
  fixture.clock.advance(std::chrono::milliseconds(3 * kDayMs));
  std::vector<std::int64_t> expected(kSparklineDays, 1);
  for (std::size_t day = kSparklineDays - 3; day < kSparklineDays; ++day) expected[day] = 0;
  CHECK(std::get<0>(fixture.shown().begin()->second) == expected);
  fixture.check_is_right();
}

TEST_CASE("names of releases and environments may have any letters") {
  Fixture fixture;
  DigestedEvent event = fixture.event("g", kNow);
  event.release = "a\nb\\n\\";
  event.environment = "\\\n";
  fixture.append({event});
  for (int round = 0; round < 2; ++round) {
    const auto [days, first, last, environments] = fixture.shown().begin()->second;
    CHECK(first == event.release);
    CHECK(last == event.release);
    CHECK(environments == std::vector<std::string>{event.environment});
    event.event_id[0] = 'b';
    fixture.append({event});
  }
}

TEST_CASE("of very many environments a hundred are told, and the row stays small") {
  Fixture fixture;
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<DigestedEvent> events;
    for (int number = 0; number < 100; ++number) {
      events.push_back(fixture.event("g", kNow + fixture.count));
      events.back().environment = "pod-" + std::to_string(fixture.count);
    }
    fixture.append(events);
  }
  CHECK(std::get<3>(fixture.shown().begin()->second).size() == 100);
  CHECK(check_store(fixture.database.url())->faults() == 0);
}

TEST_CASE("an overview that is wrong is found and mended, and one that is damaged is made anew") {
  Fixture fixture;
  DigestedEvent event = fixture.event("g", kNow);
  event.release = "r1";
  event.environment = "prod";
  fixture.append({event});
  const auto right = fixture.shown();
  for (const std::string damaged : {"x", "20778:", "20778:5 \n", "20778:5 \n1 r1\nr1\nprod", "\n\n"}) {
    CAPTURE(damaged);
    CHECK_FALSE(sql::IssueOverview::parse(damaged));
    fixture.execute("UPDATE issue SET overview = '" + damaged + "'");
    CHECK(fixture.shown() == right);
  }
  fixture.execute("UPDATE issue SET overview = '20778:5 \n1 r2\n2 r3\ndev'");
  CHECK(fixture.shown() != right);
  CHECK(check_store(fixture.database.url())->faults() == 1);
  REQUIRE(check_store(fixture.database.url(), {.repairs = true}));
  CHECK(fixture.shown() == right);
}

TEST_CASE("rows that lack an overview get it by and by") {
  Fixture fixture;
  for (int group = 0; group < 100; ++group) fixture.append({fixture.event("g" + std::to_string(group), kNow)});
  const auto connection = fixture.database.connect();
  const auto lacking = [&] {
    sql::Statement count = connection->prepare("SELECT count(*) FROM issue WHERE overview = ''");
    REQUIRE(count.step());
    return count.integer(0);
  };
  CHECK(lacking() == 0);
  fixture.execute("UPDATE issue SET overview = ''");
  for (int steps = 0; fixture.store->retain({})->has_more; ++steps) REQUIRE(steps < 100);
  CHECK(lacking() == 0);
  fixture.check_is_right();
}
