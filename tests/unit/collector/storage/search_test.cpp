/// The search language: what it takes, what it says of what it does not, and what it finds.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/time_span.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::ManualClock;
using trapline::tests::TemporaryFolder;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z

struct Fixture {
  TemporaryFolder folder;
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
  /// The titles of what is found, in the order of their names.
  std::vector<std::string> find(const std::string& text, const std::string& me = {}) const {
    const auto search = parse_search(text, {kNow, me});
    REQUIRE_MESSAGE(search, text);
    IssueQuery query;
    query.search = *search;
    const auto page = store->find_issues(query);
    REQUIRE(page);
    std::vector<std::string> titles;
    for (const Issue& issue : page->items) titles.push_back(issue.title);
    std::sort(titles.begin(), titles.end());
    return titles;
  }
};

using Titles = std::vector<std::string>;

}  // namespace

TEST_CASE("issues are found by every key, with negation, lists, patterns, AND, OR and parentheses") {
  Fixture fixture;
  DigestedEvent timeout = fixture.event("TimeoutError: slow");
  timeout.type = "TimeoutError";
  timeout.value = "slow";
  timeout.culprit = "pay in checkout.py";
  timeout.platform = "python";
  timeout.level = Level::kError;
  timeout.release = "shop@1.2.3";
  timeout.environment = "prod";
  timeout.user = "id:1";
  DigestedEvent null = fixture.event("NullPointerException: a (b) \"c\"");
  null.type = "NullPointerException";
  null.platform = "java";
  null.level = Level::kFatal;
  null.release = "shop@1.3.0";
  null.environment = "test";
  DigestedEvent old = fixture.event("100%_ old");
  old.level = Level::kInfo;
  old.received_at = old.timestamp = kNow - 10 * kDayMs;
  std::vector<DigestedEvent> events{old, null, timeout};
  for (int more = 0; more < 3; ++more) {
    DigestedEvent again = timeout;
    again.event_id = std::string(24, 'b') + std::to_string(10'000'000 + more);
    again.user = "id:" + std::to_string(more);
    events.push_back(again);
  }
  REQUIRE(fixture.store->append(events));
  const IssueId null_id = [&] {
    IssueQuery query;
    query.search = parse_search("platform:java", {}).value();
    return fixture.store->find_issues(query)->items.at(0).id;
  }();
  REQUIRE(fixture.store->assign_issue(null_id, "ada@example.com", "ada@example.com"));
  const std::string kTimeout = timeout.title;
  const std::string kNull = null.title;
  const std::string kOld = old.title;

  struct Case {
    std::string search;
    Titles found;
  };
  for (const Case& one : {
           Case{"", {kOld, kNull, kTimeout}},
           Case{"   ", {kOld, kNull, kTimeout}},
           Case{"SLOW", {kTimeout}},
           Case{"slow checkout", {kTimeout}},
           Case{"100%_", {kOld}},
           Case{"\"(b) \\\"c\\\"\"", {kNull}},
           Case{"!slow", {kOld, kNull}},
           Case{"is:unresolved level:error", {kTimeout}},
           Case{"is:resolved", {}},
           Case{"level:>=error", {kNull, kTimeout}},
           Case{"level:<error", {kOld}},
           Case{"level:!fatal", {kOld, kTimeout}},
           Case{"level:[fatal, info]", {kOld, kNull}},
           Case{"release:shop@1.2.3", {kTimeout}},
           Case{"release:shop@1.*", {kNull, kTimeout}},
           Case{"release:\"shop@1.*\"", {}},
           Case{"!release:shop@1.2.* has:release", {kNull}},
           Case{"-release:shop@1.2.* release:*", {kNull}},
           Case{"!has:environment", {kOld}},
           Case{"env:prod OR env:test", {kNull, kTimeout}},
           Case{"platform:python AND type:Timeout*", {kTimeout}},
           Case{"title:\"TimeoutError: slow\"", {kTimeout}},
           Case{"error.type:*pointer*", {kNull}},
           Case{"message:slow culprit:pay*", {kTimeout}},
           Case{"times_seen:>3", {kTimeout}},
           Case{"times_seen:1", {kOld, kNull}},
           Case{"users:>=3", {kTimeout}},
           Case{"firstSeen:-7d", {kNull, kTimeout}},
           Case{"age:+1w", {kOld}},
           Case{"lastSeen:>2026-11-20", {kNull, kTimeout}},
           Case{"lastSeen:>2026-11-21", {}},
           Case{"lastSeen:<=2026-11-21", {kOld, kNull, kTimeout}},
           Case{"first_seen:2026-11-11", {kOld}},
           Case{"firstSeen:<2026-11-21T01:08:17.698Z", {kOld}},
           Case{"is:assigned", {kNull}},
           Case{"is:unassigned slow", {kTimeout}},
           Case{"assigned:none", {kOld, kTimeout}},
           Case{"assigned:me", {kNull}},
           Case{"assignee:ada*", {kNull}},
           // AND binds more than OR.
           Case{"slow level:fatal OR old", {kOld}},
           Case{"slow (level:error OR old)", {kTimeout}},
           Case{"NOT (slow OR old)", {kNull}},
           Case{"NOT !slow", {kTimeout}},
           Case{"!!slow", {kTimeout}},
           Case{"-slow", {}},
           Case{"!(level:fatal OR slow) old", {kOld}},
           Case{"std::vector", {}},
           Case{"http://host/path", {}},
           Case{"ORder", {}},
       }) {
    CAPTURE(one.search);
    const Titles found = fixture.find(one.search, "ada@example.com");
    const std::size_t found_count = found.size();
    CAPTURE(found_count);
    CHECK(found == one.found);
  }
}

TEST_CASE("what a search does not understand is an error that says where, and what would be right") {
  struct Case {
    std::string search;
    std::string column;
    std::string says;
  };
  std::string deep;
  for (int level = 0; level < 20; ++level) deep += "(";
  std::string many;
  for (int term = 0; term < 70; ++term) many += "a ";
  for (const Case& one : {
           Case{"levle:error", "column 1:", "no key 'levle'"},
           Case{"slow level:loud", "column 12:", "fatal, error, warning"},
           Case{"\xC3\xA4\xC3\xB6 is:open", "column 7:", "unresolved"},
           Case{"times_seen:>x", "column 12:", "whole number"},
           Case{"times_seen:99999999999999999999", "column 12:", "whole number"},
           Case{"relase:1.0", "column 1:", "did you mean 'release'"},
           Case{"Level:error", "column 1:", "did you mean 'level'"},
           Case{"slow !assinged:me", "column 7:", "tags[assinged]"},
           Case{"has:enviroment", "column 5:", "did you mean 'environment'"},
           Case{"user.emial:x", "column 1:", "did you mean 'user.email'"},
           Case{"TypeError: x", "column 11:", "written in quotes"},
           Case{"platform:>1.0", "column 10:", "takes no < or >"},
           Case{"browser:>1.0", "column 9:", "'browser' has no order"},
           Case{"release:>1.*", "column 9:", "no stars"},
           Case{"firstSeen:>yesterday", "column 11:", "-24h"},
           Case{"firstSeen:-24y", "column 11:", "-24h"},
           Case{"firstSeen:2026-02-30", "column 11:", "-24h"},
           Case{"has:level", "column 5:", "may be empty"},
           Case{"assigned:me", "column 10:", "signed in"},
           Case{"level:", "column 7:", "missing"},
           Case{"(slow", "column 1:", "no ')'"},
           Case{"slow)", "column 5:", "no '('"},
           Case{"()", "column 2:", "missing"},
           Case{"slow OR", "column 8:", "missing"},
           Case{"!", "column 2:", "missing"},
           Case{"slow AND", "column 9:", "missing here"},
           Case{"slow AND OR old", "column 10:", "missing before"},
           Case{"OR slow", "column 1:", "missing before"},
           Case{"NOT AND", "column 5:", "missing before"},
           Case{"\"slow", "column 1:", "not closed"},
           Case{"\"\"", "column 1:", "nothing in these quotes"},
           Case{"level:[error, info", "column 7:", "not closed"},
           Case{"title:a*b*c*d*e*f*g", "column 7:", "at most 5 stars"},
           Case{deep, "column 17:", "16 levels"},
           Case{many, "column", "32 conditions"},
           Case{std::string(2'001, 'a'), "", "2000 bytes"},
       }) {
    CAPTURE(one.search);
    const auto search = parse_search(one.search, {kNow, {}});
    REQUIRE_FALSE(search);
    CHECK(search.error().code == "invalid_query");
    CHECK(search.error().message.find(one.column) != std::string::npos);
    CHECK(search.error().message.find(one.says) != std::string::npos);
  }
}
