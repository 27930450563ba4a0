#include "collector/digest/digester.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "collector/storage/search_parser.h"
#include "collector/storage/sqlite/event_days.h"
#include "collector/storage/time_span.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

constexpr UnixMillis kReceivedAt = 1795223297698;

/// A spool in memory that can fail to release: then events come again, as after a restart.
class MemorySource final : public EventSource {
 public:
  /// `number` names the event; 0: it is one of its own.
  void put(std::string payload, std::int64_t number = 0) {
    const std::lock_guard lock(mutex_);
    SpooledEvent event;
    event.sequence = ++last_;
    event.project_id = 1;
    event.event_id = std::string(28, 'b') + std::to_string(1000 + (number == 0 ? last_ : number));
    event.received_at = kReceivedAt;
    event.payload = std::move(payload);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }
  void fail_next_releases(int count) {
    const std::lock_guard lock(mutex_);
    failures_ = count;
  }
  bool wait_until_empty() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return events_.empty() && claimed_.empty(); });
  }

  trapline::core::Result<std::vector<SpooledEvent>> claim_events(std::size_t) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !events_.empty() || is_stopped_; });
    if (is_stopped_) return std::vector<SpooledEvent>{};
    std::vector<SpooledEvent> claimed(events_.begin(), events_.end());
    claimed_.insert(claimed_.end(), events_.begin(), events_.end());
    events_.clear();
    return claimed;
  }
  trapline::core::Status release(std::span<const std::int64_t> sequences) override {
    const std::lock_guard lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      events_.insert(events_.begin(), claimed_.begin(), claimed_.end());
      claimed_.clear();
      changed_.notify_all();
      return trapline::core::Error{"storage", "the disk is away"};
    }
    std::erase_if(claimed_, [&](const SpooledEvent& event) {
      return std::find(sequences.begin(), sequences.end(), event.sequence) != sequences.end();
    });
    changed_.notify_all();
    return {};
  }
  void stop() override {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SpooledEvent> events_;
  std::vector<SpooledEvent> claimed_;
  std::int64_t last_ = 0;
  int failures_ = 0;
  bool is_stopped_ = false;
};

struct Fixture {
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  MemorySource source;
  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }

  /// "stored 3; duplicate 1; ", in the ledger's order.
  std::string ledger() const {
    std::string told;
    const auto entries = store->find_ledger({.project_id = 1, .to = 2'000'000'000'000});
    REQUIRE(entries);
    for (const LedgerEntry& entry : entries->items) told += entry.outcome + " " + std::to_string(entry.count) + "; ";
    return told;
  }
  /// Inserting the event of that number fails, whatever else is in the run.
  void poison(int number) const {
    const std::string end = "'%" + std::to_string(1000 + number) + "'";
    if (trapline::tests::is_on_postgres()) {
      return database.connect()->execute(
          "ALTER TABLE event ADD CONSTRAINT poison CHECK (encode(event_id, 'hex') NOT LIKE " + end + ")");
    }
    std::filesystem::create_directories(sqlite::day_folder(database.path()));
    sqlite::DayFile day(sqlite::day_path(sqlite::day_folder(database.path()), kReceivedAt / kDayMs),
                        sqlite::DayFile::Use::kWrite);
    day.execute("CREATE TRIGGER poison BEFORE INSERT ON event WHEN hex(new.event_id) LIKE " + end +
                " BEGIN SELECT raise(ABORT, 'poison'); END");
  }
};

}  // namespace

TEST_CASE("work that is repeated because releasing failed counts nothing twice") {
  Fixture fixture;
  for (int number = 0; number < 10; ++number) fixture.source.put(R"({"message":"same"})");
  fixture.source.fail_next_releases(2);
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(fixture.store->find_issues({})->items.at(0).count == 10);
  CHECK(digester.digested() == 10);
  CHECK(digester.duplicates() == 0);
  CHECK(fixture.ledger() == "stored 10; ");
}

TEST_CASE("what is digested again after a kill is no duplicate in the ledger, and what was sent twice is one") {
  Fixture fixture;
  for (int number = 0; number < 10; ++number) fixture.source.put(R"({"message":"same"})");
  fixture.source.put("this is no JSON");
  fixture.source.put(R"({"message":"same"})", 3);
  fixture.source.fail_next_releases(1);
  {
    Digester digester(fixture.source, *fixture.store);
    digester.start();
    CHECK(fixture.source.wait_until_empty());
  }
  CHECK(fixture.ledger() == "duplicate 1; quarantined 1; stored 10; ");
}

TEST_CASE("an event that is set aside twice because storing those behind it failed is booked once") {
  Fixture fixture;
  fixture.poison(3);
  fixture.source.put(R"({"message":"same"})");
  fixture.source.put("this is no JSON");
  for (int number = 0; number < 5; ++number) fixture.source.put(R"({"message":"same"})");
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(fixture.ledger() == "quarantined 2; stored 5; ");
}

TEST_CASE("an event that cannot be digested is set aside, and blocks nothing") {
  Fixture fixture;
  fixture.source.put("this is no JSON, of ada@example.com");
  fixture.source.put(R"({"message":"fine"})");
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(fixture.store->find_events({})->items.size() == 1);
  CHECK(digester.quarantined() == 1);
  const auto quarantine = fixture.store->list_quarantine(1);
  REQUIRE(quarantine);
  REQUIRE(quarantine->size() == 1);
  CHECK(quarantine->front().payload == "this is no JSON, of [email]");
  CHECK(quarantine->front().tries == 3);
  CHECK_FALSE(quarantine->front().error.empty());
}

TEST_CASE("an event that the store can never take is set aside after three tries, and those around it are stored") {
  Fixture fixture;
  fixture.poison(7);
  for (int number = 0; number < 20; ++number) fixture.source.put(R"({"message":"same"})");
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(fixture.store->find_issues({})->items.at(0).count == 19);
  const auto quarantine = fixture.store->list_quarantine(1);
  REQUIRE(quarantine);
  REQUIRE(quarantine->size() == 1);
  CHECK(quarantine->front().event_id.ends_with("1007"));
  CHECK(quarantine->front().error.find("poison") != std::string::npos);
  CHECK(fixture.ledger() == "quarantined 1; stored 19; ");
}

TEST_CASE("in a storm a loud issue is counted and not kept, and a quiet one is kept") {
  Fixture fixture;
  REQUIRE(fixture.store->set_digest_settings(1, R"({"storm":{"events_per_hour":100}})"));
  for (int number = 0; number < 500; ++number) fixture.source.put(R"({"message":"loud"})");
  for (int number = 0; number < 5; ++number) fixture.source.put(R"({"message":"quiet"})");
  fixture.source.fail_next_releases(1);  // what is not kept is not counted twice either
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  IssueQuery by_title;
  by_title.search = parse_search("loud", {}).value();
  const Issue loud = fixture.store->find_issues(by_title)->items.at(0);
  CHECK(loud.count == 500);
  CHECK(loud.stored_count == 100);  // four fifths of the limit, and the bucket's burst of 20
  by_title.search = parse_search("quiet", {}).value();
  const Issue quiet = fixture.store->find_issues(by_title)->items.at(0);
  CHECK(quiet.count == 5);
  CHECK(quiet.stored_count == 5);
  EventQuery events;
  events.issue_id = loud.id;
  events.limit = 100;
  CHECK(fixture.store->find_events(events)->items.size() == 100);
}

TEST_CASE("a loud issue does not use up what the project may send in an hour") {
  Fixture fixture;
  for (int number = 0; number < 500; ++number) fixture.source.put(R"({"message":"loud"})");
  fixture.source.fail_next_releases(1);  // what is given again is not given back again
  std::int64_t given_back = 0;
  Digester::HourlyLimits limits;
  limits.events_per_hour = [](ProjectId project) { return project == 1 ? 100 : 0; };
  limits.give_back = [&](ProjectId /*project*/, std::int64_t count) { given_back += count; };
  {
    Digester digester(fixture.source, *fixture.store, trapline::core::system_clock(), {}, limits);
    digester.start();
    CHECK(fixture.source.wait_until_empty());
  }
  CHECK(fixture.store->find_issues({})->items.at(0).stored_count == 100);
  CHECK(given_back == 400);
  REQUIRE(fixture.store->set_digest_settings(1, R"({"storm":{"events_per_hour":0}})"));
  CHECK(DigestSettings::read(*fixture.store->digest_settings(1))->storm_events_per_hour == 0);
}

TEST_CASE("events that have to be stored several times, and duplicates, use the storm's budget once") {
  Fixture fixture;
  REQUIRE(fixture.store->set_digest_settings(1, R"({"storm":{"events_per_hour":100}})"));
  fixture.poison(7);
  for (int number = 0; number < 40; ++number) fixture.source.put(R"({"message":"loud"})");
  for (int number = 0; number < 200; ++number) fixture.source.put(R"({"message":"loud"})", 1);
  for (int number = 0; number < 41; ++number) fixture.source.put(R"({"message":"loud"})");
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(fixture.ledger() == "duplicate 200; quarantined 1; stored 80; ");
}

TEST_CASE("an issue ignored until a time is shown again by the clock, without an event") {
  Fixture fixture;
  trapline::tests::ManualClock clock{1'000'000};
  fixture.source.put(R"({"message":"m"})");
  Digester digester(fixture.source, *fixture.store, clock);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  IssueState ignored;
  ignored.status = IssueStatus::kIgnored;
  ignored.ignored_until = 2'000'000;
  const IssueId id = fixture.store->find_issues({})->items.at(0).id;
  REQUIRE(fixture.store->set_issue_state(id, ignored, "ada"));
  clock.advance(std::chrono::milliseconds(1'000'000));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((**fixture.store->find_issue(id)).status == IssueStatus::kIgnored) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // polling, until the deadline
  }
  digester.stop();
  CHECK((**fixture.store->find_issue(id)).status == IssueStatus::kUnresolved);
  CHECK(fixture.store->list_history(id)->at(0).kind == "unignored");
}

TEST_CASE("events whose project was deleted meanwhile are left out, counted, and hold nothing up") {
  Fixture fixture;
  for (int number = 0; number < 3; ++number) fixture.source.put(R"({"message":"same"})");
  fixture.source.put("this is no JSON");
  REQUIRE(fixture.store->delete_project(1));
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  CHECK(digester.left_out() == 3);
  CHECK(digester.digested() == 0);
  CHECK(fixture.ledger().empty());
  CHECK(fixture.store->list_quarantine(1)->empty());
  while (*fixture.store->sweep_deleted_projects()) {
  }
  CHECK(fixture.ledger().empty());
}

TEST_CASE("whoever listens is told of what was stored, and of issues that are shown again by the clock") {
  Fixture fixture;
  trapline::tests::ManualClock clock(1'000);
  fixture.source.put(R"({"message":"same"})");
  std::mutex mutex;
  std::condition_variable told;
  AppendOutcome sum;
  Digester digester(fixture.source, *fixture.store, clock, [&](const AppendOutcome& outcome) {
    const std::lock_guard lock(mutex);
    sum.new_issues += outcome.new_issues;
    sum.counted_on.insert(sum.counted_on.end(), outcome.counted_on.begin(), outcome.counted_on.end());
    sum.changes.insert(sum.changes.end(), outcome.changes.begin(), outcome.changes.end());
    told.notify_all();
  });
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  std::unique_lock lock(mutex);
  CHECK(told.wait_for(lock, std::chrono::seconds(20), [&] { return !sum.changes.empty(); }));
  CHECK(sum.new_issues == 1);
  CHECK(sum.changes.at(0).kind == IssueChangeKind::kNew);
  REQUIRE(sum.counted_on.size() == 1);
  CHECK(sum.counted_on[0].project_id == 1);
  const IssueState ignored{.status = IssueStatus::kIgnored, .status_at = 1'000, .ignored_until = 1'001};
  REQUIRE(fixture.store->set_issue_state(sum.counted_on[0].issue_id, ignored, "zoe"));
  clock.advance(std::chrono::seconds(1));
  CHECK(told.wait_for(lock, std::chrono::seconds(20), [&] { return sum.changes.size() == 2; }));
  CHECK(sum.changes.at(1).kind == IssueChangeKind::kUnignored);
  lock.unlock();
  digester.stop();
}
