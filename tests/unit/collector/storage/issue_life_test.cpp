/// How issues live: by the rules alone, and in the store.

#include "collector/storage/issue_life.h"

#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/release_version.h"
#include "collector/storage/search_parser.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::ManualClock;
using trapline::tests::TemporaryFolder;

namespace {

constexpr UnixMillis kNow = 1795223297698;

std::optional<int> order(std::string_view first, std::string_view second) {
  const auto compared = compare_releases(first, second);
  if (!compared) return std::nullopt;
  return *compared < 0 ? -1 : *compared > 0 ? 1 : 0;
}

struct Fixture {
  TemporaryFolder folder;
  ManualClock clock{kNow};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  int number = 0;

  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }

  DigestedEvent event(const std::string& fingerprint, const std::string& release = "", const std::string& user = "") {
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number++);
    event.received_at = clock.unix_millis();
    event.timestamp = clock.unix_millis();
    event.fingerprint = fingerprint;
    event.title = "title of " + fingerprint;
    event.release = release;
    event.user = user;
    event.payload = "{}";
    return event;
  }
  AppendOutcome append(const std::vector<DigestedEvent>& events) const {
    const auto outcome = store->append(events);
    REQUIRE(outcome);
    return *outcome;
  }
  Issue issue_of(const std::string& fingerprint) const {
    IssueQuery query;
    query.search = parse_search(fingerprint, {}).value();
    const auto page = store->find_issues(query);
    REQUIRE(page);
    REQUIRE(page->items.size() == 1);
    return page->items[0];
  }
  void set(IssueId id, IssueState state) {
    state.status_at = clock.unix_millis();
    REQUIRE(store->set_issue_state(id, state, "ada@example.com"));
    clock.advance(std::chrono::milliseconds(1'000));
  }
  std::vector<std::string> history(IssueId id) const {
    std::vector<std::string> kinds;
    const auto entries = store->list_history(id);
    REQUIRE(entries);
    for (const HistoryEntry& entry : *entries) kinds.push_back(entry.kind);
    return kinds;
  }
};

IssueState resolved(std::optional<std::string> release = std::nullopt, bool is_next = false) {
  IssueState state;
  state.status = IssueStatus::kResolved;
  state.resolved_release = std::move(release);
  state.resolved_is_next = is_next;
  return state;
}

}  // namespace

TEST_CASE("releases are ordered by their versions, and where those do not tell, not at all") {
  CHECK(order("1.0", "11.0") == -1);
  CHECK(order("shop@1.9.0", "shop@1.10.0") == -1);
  CHECK(order("v2.0", "2.0.0") == 0);
  CHECK(order("1.0.0-rc.1", "1.0.0") == -1);
  CHECK(order("1.0.0-alpha", "1.0.0-alpha.1") == -1);
  CHECK(order("1.0.0-alpha.9", "1.0.0-alpha.10") == -1);
  CHECK(order("1.0.0-1", "1.0.0-alpha") == -1);
  CHECK(order("1.2rc1", "1.2") == -1);
  CHECK(order("1.2rc2", "1.2rc10") == -1);
  CHECK(order("1.0.0+build.1", "1.0.0+build.2") == 0);
  CHECK(order("app@1.0+41", "app@1.0+42") == -1);
  CHECK(order("2026.11.21", "2026.12.1") == -1);
  CHECK(order("2026-11-21", "2026-12-01") == -1);
  CHECK(order("20261121", "20261201") == -1);
  CHECK(order("99999999999999999999999.0", "99999999999999999999998.9") == 1);
  CHECK_FALSE(order("4f7a2c19", "99ab0c31"));
  CHECK_FALSE(order("shop@1.0", "mail@2.0"));
  CHECK_FALSE(order("main", "1.0"));
  CHECK_FALSE(order("", "1.0"));
  CHECK(order("same", "same") == 0);
}

TEST_CASE("a resolved issue comes back by the order of releases, else by time") {
  const auto never_seen = [](std::string_view) { return std::optional<UnixMillis>(); };
  const auto by_name = [](std::string_view release) -> std::optional<UnixMillis> {
    return release == "aaa" ? 100 : release == "bbb" ? 200 : 300;
  };
  IssueState now = resolved();
  now.status_at = 50;
  CHECK(brings_back(now, "1.0", 51, never_seen));
  CHECK_FALSE(brings_back(now, "1.0", 50, never_seen));
  CHECK_FALSE(brings_back(resolved("2.0"), "1.9", 999, never_seen));
  CHECK(brings_back(resolved("2.0"), "2.0", 999, never_seen));
  CHECK(brings_back(resolved("2.0"), "11.0", 999, never_seen));
  CHECK_FALSE(brings_back(resolved("2.0"), "2.0-rc.1", 999, never_seen));
  CHECK_FALSE(brings_back(resolved("2.0", true), "2.0", 999, never_seen));
  CHECK(brings_back(resolved("2.0", true), "2.0.1", 999, never_seen));
  CHECK_FALSE(brings_back(resolved("bbb"), "aaa", 999, by_name));
  CHECK(brings_back(resolved("bbb"), "ccc", 999, by_name));
  CHECK_FALSE(brings_back(IssueState{}, "ccc", 999, by_name));
}

TEST_CASE("a regression is told once, in the outcome and in the history, and the issue is open again") {
  Fixture fixture;
  const AppendOutcome first = fixture.append({fixture.event("f", "1.0"), fixture.event("f", "1.0")});
  REQUIRE(first.changes.size() == 1);
  CHECK(first.changes[0].kind == IssueChangeKind::kNew);
  const IssueId id = fixture.issue_of("f").id;
  fixture.set(id, resolved("2.0"));
  CHECK(fixture.append({fixture.event("f", "1.5")}).changes.empty());
  CHECK(fixture.issue_of("f").status == IssueStatus::kResolved);
  const DigestedEvent back = fixture.event("f", "2.1");
  const AppendOutcome second = fixture.append({back, fixture.event("f", "2.1")});
  REQUIRE(second.changes.size() == 1);
  CHECK(second.changes[0].kind == IssueChangeKind::kRegressed);
  CHECK(fixture.append({back, fixture.event("f", "2.2")}).changes.empty());
  CHECK(fixture.issue_of("f").status == IssueStatus::kUnresolved);
  CHECK(fixture.history(id) == std::vector<std::string>{"regressed", "status", "new"});
  CHECK(fixture.issue_of("f").first_release == "1.0");
  CHECK(fixture.issue_of("f").last_release == "2.2");
}

TEST_CASE("resolved, back and resolved again: the later fix holds") {
  Fixture fixture;
  fixture.append({fixture.event("f", "1.0")});
  const IssueId id = fixture.issue_of("f").id;
  fixture.set(id, resolved("2.0"));
  CHECK(fixture.append({fixture.event("f", "2.0")}).changes.size() == 1);
  fixture.set(id, resolved("3.0"));
  CHECK(fixture.append({fixture.event("f", "2.5")}).changes.empty());
  CHECK(fixture.append({fixture.event("f", "3.0")}).changes.size() == 1);
}

TEST_CASE(
    "an ignored issue is shown again after so many events or users, once, and two thresholds at once are one change") {
  Fixture fixture;
  fixture.append({fixture.event("f", "", "id:1")});
  const IssueId id = fixture.issue_of("f").id;
  IssueState ignored;
  ignored.status = IssueStatus::kIgnored;
  ignored.ignored_until_count = 3;
  ignored.ignored_until_users = 3;
  fixture.set(id, ignored);
  CHECK(fixture.append({fixture.event("f", "", "id:2")}).changes.empty());
  const AppendOutcome outcome = fixture.append({fixture.event("f", "", "id:3")});
  REQUIRE(outcome.changes.size() == 1);
  CHECK(outcome.changes[0].kind == IssueChangeKind::kUnignored);
  CHECK(fixture.append({fixture.event("f")}).changes.empty());
  CHECK(fixture.history(id) == std::vector<std::string>{"unignored", "status", "new"});
}

TEST_CASE("an archived issue stays where it is, and taking an issue back by hand is silent") {
  Fixture fixture;
  fixture.append({fixture.event("f")});
  const IssueId id = fixture.issue_of("f").id;
  IssueState state;
  state.status = IssueStatus::kArchived;
  fixture.set(id, state);
  CHECK(fixture.append({fixture.event("f")}).changes.empty());
  CHECK(fixture.issue_of("f").status == IssueStatus::kArchived);
  fixture.set(id, IssueState{});
  CHECK(fixture.append({fixture.event("f")}).changes.empty());
}

TEST_CASE("ignores end by the clock") {
  Fixture fixture;
  fixture.append({fixture.event("one"), fixture.event("two")});
  IssueState ignored;
  ignored.status = IssueStatus::kIgnored;
  ignored.ignored_until = kNow + 10'000;
  fixture.set(fixture.issue_of("one").id, ignored);
  CHECK(fixture.store->end_due_ignores(kNow + 9'999)->empty());
  CHECK(fixture.store->end_due_ignores(kNow + 10'000)->size() == 1);
  CHECK(fixture.store->end_due_ignores(kNow + 10'000)->empty());
  CHECK(fixture.issue_of("one").status == IssueStatus::kUnresolved);
}

TEST_CASE("an event with a new fine key goes where its coarse key, or the version before, leads") {
  Fixture fixture;
  DigestedEvent first = fixture.event("fine 1");
  first.coarse_fingerprint = "coarse";
  DigestedEvent second = fixture.event("fine 2");
  second.coarse_fingerprint = "coarse";
  DigestedEvent moved = fixture.event("fine 3 of version 2");
  moved.older_fingerprints = {"fine 1"};
  CHECK(fixture.append({first, second, moved}).new_issues == 1);
  const auto issues = fixture.store->find_issues({});
  REQUIRE(issues->items.size() == 1);
  CHECK(issues->items[0].count == 3);
  CHECK(fixture.store->list_hashes(issues->items[0].id)->size() == 3);
  // Back to the version before: its keys are all still known.
  DigestedEvent back = fixture.event("fine 1");
  back.older_fingerprints = {"fine 3 of version 2"};
  CHECK(fixture.append({back}).new_issues == 0);
}

TEST_CASE("merged issues are one with all that they had, and unmerging gives back what was merged") {
  Fixture fixture;
  fixture.append({fixture.event("one", "1.0", "id:1"), fixture.event("one", "1.0", "id:2")});
  fixture.clock.advance(std::chrono::milliseconds(5));
  fixture.append(
      {fixture.event("two", "2.0", "id:2"), fixture.event("two", "2.0", "id:3"), fixture.event("two", "2.0", "id:3")});
  const IssueId one = fixture.issue_of("one").id;
  const IssueId two = fixture.issue_of("two").id;
  const auto merged = fixture.store->merge_issues(one, std::vector{two}, "ada");
  REQUIRE(merged);
  CHECK(merged->count == 5);
  CHECK(merged->user_count == 3);
  CHECK(merged->title == "title of two");
  CHECK(merged->first_release == "1.0");
  CHECK_FALSE(*fixture.store->find_issue(two));
  EventQuery of_one;
  of_one.issue_id = one;
  CHECK(fixture.store->find_events(of_one)->items.size() == 5);
  // New events of both kinds go to the merged issue; a user of both is counted once.
  CHECK(fixture.append({fixture.event("two", "2.0", "id:1")}).new_issues == 0);
  CHECK((**fixture.store->find_issue(one)).user_count == 3);

  std::int64_t hash_of_two = 0;
  const auto hashes = fixture.store->list_hashes(one);
  REQUIRE(hashes);
  for (const IssueHash& hash : *hashes) {
    if (hash.hash == "two") hash_of_two = hash.id;
  }
  const auto apart = fixture.store->unmerge_hashes(one, std::vector{hash_of_two}, "ada");
  REQUIRE(apart);
  CHECK(apart->count == 4);
  CHECK(apart->user_count == 3);
  CHECK(apart->title == "title of two");
  CHECK((**fixture.store->find_issue(one)).count == 2);
  CHECK((**fixture.store->find_issue(one)).user_count == 2);
  CHECK((**fixture.store->find_issue(one)).title == "title of one");
  CHECK(fixture.append({fixture.event("two")}).new_issues == 0);
  CHECK((**fixture.store->find_issue(apart->id)).count == 5);
}

TEST_CASE("after an unmerge events with a new fine key go where those with the same coarse key went") {
  Fixture fixture;
  const auto event = [&](const std::string& fine, const std::string& coarse) {
    DigestedEvent made = fixture.event(fine);
    made.coarse_fingerprint = coarse;
    return made;
  };
  fixture.append({event("one", "coarse 1"), event("two", "coarse 2"), event("three", "coarse 3")});
  const IssueId one = fixture.issue_of("one").id;
  REQUIRE(
      fixture.store->merge_issues(one, std::vector{fixture.issue_of("two").id, fixture.issue_of("three").id}, "ada"));
  fixture.append({event("another three", "coarse 3")});
  std::vector<std::int64_t> moved;
  const auto hashes = fixture.store->list_hashes(one);
  REQUIRE(hashes);
  for (const IssueHash& hash : *hashes) {
    if (hash.hash == "two" || hash.hash == "three") moved.push_back(hash.id);
  }
  const auto apart = fixture.store->unmerge_hashes(one, moved, "ada");
  REQUIRE(apart);
  CHECK(fixture.append({event("another two", "coarse 2"), event("yet another three", "coarse 3")}).new_issues == 0);
  CHECK((**fixture.store->find_issue(apart->id)).count == 3);
  // Another hash of the issue still comes with the third coarse key.
  CHECK((**fixture.store->find_issue(one)).count == 3);
}

TEST_CASE("a duplicate whose keys are new leaves no hash, and nothing is first seen in 1970") {
  Fixture fixture;
  DigestedEvent event = fixture.event("fine 1");
  event.coarse_fingerprint = "coarse";
  fixture.append({event, fixture.event("other")});
  event.fingerprint = "fine 2";
  CHECK(fixture.append({event}).duplicates == 1);
  const IssueId id = fixture.issue_of("fine 1").id;
  CHECK(fixture.store->list_hashes(id)->size() == 1);
  const auto merged = fixture.store->merge_issues(id, std::vector{fixture.issue_of("other").id}, "ada");
  REQUIRE(merged);
  CHECK(merged->first_seen == kNow);
}

TEST_CASE("events that are given again are told from duplicates by their place in the spool") {
  Fixture fixture;
  DigestedEvent first = fixture.event("f");
  first.sequence = 1;
  DigestedEvent second = fixture.event("f");
  second.sequence = 2;
  CHECK(fixture.append({first, second}).stored == 2);
  const AppendOutcome again = fixture.append({first, second});
  CHECK(again.repeated == 2);
  CHECK(again.duplicates == 0);
  first.sequence = 3;
  CHECK(fixture.append({first}).duplicates == 1);
  // A spool that begins anew: nothing of it is lost.
  DigestedEvent anew = fixture.event("f");
  anew.sequence = 1;
  CHECK(fixture.append({anew}).stored == 1);
  second.sequence = 2;
  CHECK(fixture.append({second}).duplicates == 1);
  CHECK(fixture.issue_of("f").count == 3);
}

TEST_CASE("a clock that goes a little wrong hides no regression, and what lay in a buffer is none") {
  Fixture fixture;
  fixture.append({fixture.event("f")});
  const IssueId id = fixture.issue_of("f").id;
  fixture.set(id, resolved());
  DigestedEvent buffered = fixture.event("f");
  buffered.timestamp = kNow - 3'600'000;
  CHECK(fixture.append({buffered}).changes.empty());
  DigestedEvent received_before = fixture.event("f");
  received_before.received_at = kNow - 1'000;
  received_before.timestamp = kNow + 50'000;
  CHECK(fixture.append({received_before}).changes.empty());
  DigestedEvent slow = fixture.event("f");
  slow.timestamp = kNow - 30'000;
  CHECK(fixture.append({slow}).changes.size() == 1);
  CHECK(fixture.issue_of("f").status == IssueStatus::kUnresolved);
}

TEST_CASE("of changes of a project's settings at the same time none is lost") {
  Fixture fixture;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int change = 0; change < 10; ++change) {
        const auto add = [](std::string_view before) {
          return trapline::core::Result<std::string>(std::string(before) + "+");
        };
        CHECK(fixture.store->change_digest_settings(1, add));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(*fixture.store->digest_settings(1) == "{}" + std::string(40, '+'));
  const auto refuse = [](std::string_view) {
    return trapline::core::Result<std::string>(trapline::core::Error{"invalid_settings", "no"});
  };
  CHECK(fixture.store->change_digest_settings(1, refuse).error().code == "invalid_settings");
  CHECK(fixture.store
            ->change_digest_settings(99, [](std::string_view) { return trapline::core::Result<std::string>("{}"); })
            .error()
            .code == "not_found");
}

TEST_CASE("what fails for another reason than the database is told as unstorable, and leaves nothing half done") {
  Fixture fixture;
  const KeepRule fails = [](const DigestedEvent&) -> bool { throw std::runtime_error("no"); };
  const DigestedEvent event = fixture.event("f");
  CHECK(fixture.store->append(std::vector{event}, fails).error().code == "unstorable");
  CHECK(fixture.append({event}).new_issues == 1);
  CHECK(fixture.issue_of("f").count == 1);
}

TEST_CASE("one process at a time digests a spool into a database, others may use it") {
  const Fixture fixture;
  REQUIRE(fixture.store->claim("a"));
  auto other = open_store(fixture.database.url()).value();
  CHECK(other->claim("a").error().code == "database_in_use");
  CHECK(other->create_project("q", std::string(32, 'b')));
}

TEST_CASE("merges and unmerges that make no sense are refused and change nothing") {
  Fixture fixture;
  REQUIRE(fixture.store->create_project("other", std::string(32, 'b')));
  DigestedEvent foreign = fixture.event("foreign");
  foreign.project_id = 2;
  fixture.append({fixture.event("one"), foreign});
  const IssueId one = fixture.issue_of("one").id;
  CHECK(fixture.store->merge_issues(one, std::vector{one}, "ada").error().code == "conflict");
  CHECK(fixture.store->merge_issues(one, std::vector{fixture.issue_of("foreign").id}, "ada").error().code ==
        "conflict");
  CHECK(fixture.store->merge_issues(one, std::vector<IssueId>{999}, "ada").error().code == "not_found");
  const std::int64_t only = fixture.store->list_hashes(one)->at(0).id;
  CHECK(fixture.store->unmerge_hashes(one, std::vector{only}, "ada").error().code == "conflict");
  CHECK(fixture.store->unmerge_hashes(one, std::vector<std::int64_t>{999}, "ada").error().code == "not_found");
  CHECK(fixture.store->find_issues({})->items.size() == 2);
}

TEST_CASE("the ledger tells what became of every event") {
  Fixture fixture;
  const DigestedEvent counted = fixture.event("f", "1.0");
  const DigestedEvent kept = fixture.event("f", "1.0");
  int asked = 0;
  const KeepRule keeps = [&](const DigestedEvent& event) {
    ++asked;
    return event.event_id == kept.event_id;
  };
  REQUIRE(fixture.store->append(std::vector{kept, kept, counted, counted}, keeps));
  REQUIRE(fixture.store->append(std::vector{counted, kept}, keeps));
  CHECK(asked == 2);  // of known events nothing is asked
  const Issue issue = fixture.issue_of("f");
  CHECK(issue.count == 2);
  CHECK(issue.stored_count == 1);
  CHECK(*fixture.store->has_event(1, counted.event_id));
  std::string told;
  const auto ledger = fixture.store->find_ledger({.project_id = 1, .to = kNow + 1});
  REQUIRE(ledger);
  for (const LedgerEntry& entry : ledger->items) {
    told += entry.outcome + " " + std::to_string(entry.count) + "; ";
  }
  CHECK(told == "counted_only 1; duplicate 4; stored 1; ");
}

TEST_CASE("a new issue belongs to the event's owner, and stays with whom it was given") {
  Fixture fixture;
  DigestedEvent event = fixture.event("f");
  event.assignee = "@net";
  fixture.append({event});
  const IssueId id = fixture.issue_of("f").id;
  CHECK(fixture.issue_of("f").assignee == "@net");
  REQUIRE(fixture.store->assign_issue(id, "ada", "bob"));
  DigestedEvent next = fixture.event("f");
  next.assignee = "@net";
  fixture.append({next});
  CHECK(fixture.issue_of("f").assignee == "ada");
}
