#include "collector/ingest/intake.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";
const std::string kOtherKey(32, 'b');

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::ManualClock clock{1795223297698};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  IntakeLimits limits{.max_body_bytes = 1000, .max_inflated_bytes = 2000, .max_event_bytes = 100, .max_events = 3};
  Intake intake{*store, *spool, limits, clock};

  Fixture() {
    REQUIRE(store->create_project("one", kKey));
    REQUIRE(store->create_project("two", kOtherKey));
  }

  IntakeRefusal refuse(const IntakeRequest& request) {
    const auto outcome = intake.take(request);
    REQUIRE(std::holds_alternative<IntakeRefusal>(outcome));
    return std::get<IntakeRefusal>(outcome);
  }
  IntakeReceipt accept(const IntakeRequest& request) {
    const auto outcome = intake.take(request);
    const auto* refusal = std::get_if<IntakeRefusal>(&outcome);
    REQUIRE_MESSAGE(refusal == nullptr, (refusal != nullptr ? refusal->message : ""));
    return std::get<IntakeReceipt>(outcome);
  }
};

IntakeRequest envelope(std::string_view project, std::string_view key, std::string_view body) {
  return {.door = Door::kEnvelope, .path_project = project, .query_key = key, .body = body};
}

IntakeRequest events(std::string_view body) { return {.door = Door::kEvents, .query_key = kKey, .body = body}; }

}  // namespace

TEST_CASE("a key that is missing, malformed, unknown or another project's is 401, an unknown project 404") {
  Fixture fixture;
  struct Bad {
    IntakeRequest request;
    int status;
    const char* code;
  };
  const std::string unknown(32, 'c');
  const Bad table[] = {
      {envelope("1", "", "{}\n"), 401, "missing_key"},
      {envelope("1", "abc", "{}\n"), 401, "malformed_key"},
      {envelope("1", unknown, "{}\n"), 401, "unknown_key"},
      {envelope("1", kOtherKey, "{}\n"), 401, "wrong_project_key"},
      {envelope("99", kKey, "{}\n"), 404, "unknown_project"},
      {envelope("x", kKey, "{}\n"), 404, "unknown_project"},
      {envelope("0", kKey, "{}\n"), 404, "unknown_project"},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.code);
    const IntakeRefusal refusal = fixture.refuse(bad.request);
    CHECK(refusal.http_status == bad.status);
    CHECK(refusal.code == bad.code);
  }
  CHECK(fixture.intake.counts().rejected.at("unknown_project") == 3);
}

TEST_CASE("an envelope's own dsn is a key, and must not contradict the request's") {
  Fixture fixture;
  const std::string body = "{\"dsn\":\"http://" + kKey + "@h/1\"}\n{\"type\":\"event\"}\n{}";
  CHECK(fixture.accept(envelope("1", "", body)).accepted == 1);
  const std::string other = "{\"dsn\":\"http://" + kOtherKey + "@h/1\"}\n";
  CHECK(fixture.refuse(envelope("1", kKey, other)).code == "wrong_project_key");
  // One that is no dsn says nothing, to who has another key.
  const std::string garbage = "{\"dsn\":\"garbage\"}\n{\"type\":\"event\"}\n{}";
  CHECK(fixture.accept(envelope("1", kKey, garbage)).accepted == 1);
  CHECK(fixture.refuse(envelope("1", "", garbage)).code == "malformed_key");
}

TEST_CASE("bodies and events over their limits are 413") {
  Fixture fixture;
  CHECK(fixture.refuse(events(std::string(1001, ' '))).code == "body_too_large");
  const std::string large = R"({"message":")" + std::string(100, 'x') + "\"}";
  for (const IntakeRequest& request :
       {events(large), IntakeRequest{.door = Door::kStore, .path_project = "1", .query_key = kKey, .body = large}}) {
    const IntakeRefusal refusal = fixture.refuse(request);
    CHECK(refusal.code == "event_too_large");
    CHECK(refusal.http_status == 413);
  }
  CHECK(fixture.refuse(events("[{},{},{},{}]")).code == "too_many_events");
  CHECK(fixture.spool->size() == 0);
}

TEST_CASE("of a list, what cannot be taken is named and the rest is taken") {
  Fixture fixture;
  const std::string large = R"({"message":")" + std::string(100, 'x') + "\"}";
  const std::string body = "[{}," + large + ",7]";
  const IntakeReceipt receipt = fixture.accept(events(body));
  CHECK(receipt.accepted == 1);
  REQUIRE(receipt.rejected.size() == 2);
  CHECK(receipt.rejected[0].index == 1);
  CHECK(receipt.rejected[0].code == "event_too_large");
  CHECK(receipt.rejected[1].index == 2);
  CHECK(receipt.rejected[1].code == "invalid_event");
  CHECK(fixture.intake.counts().rejected.at("invalid_event") == 1);
}

TEST_CASE("the envelope header's id is the first event's, and wins over the payload's") {
  Fixture fixture;
  const std::string header_id(32, 'd');
  const std::string payload_id(32, 'e');
  const std::string body = "{\"event_id\":\"" + header_id + "\"}\n{\"type\":\"event\"}\n{\"event_id\":\"" + payload_id +
                           "\"}\n{\"type\":\"event\"}\n{\"event_id\":\"" + payload_id + "\"}\n";
  const IntakeReceipt receipt = fixture.accept(envelope("1", kKey, body));
  CHECK(receipt.accepted == 2);
  CHECK(receipt.event_id == header_id);
  const auto spooled = fixture.spool->claim_events(10);
  CHECK(spooled->at(0).event_id == header_id);
  CHECK(spooled->at(1).event_id == payload_id);
}

TEST_CASE("an event without an id is given one, and the answer names it") {
  Fixture fixture;
  const IntakeReceipt receipt =
      fixture.accept({.door = Door::kStore, .path_project = "1", .query_key = kKey, .body = "{}"});
  CHECK(receipt.event_id.size() == 32);
  CHECK(fixture.spool->claim_events(1)->at(0).event_id == receipt.event_id);
}

TEST_CASE("items that are not kept are accepted and counted by type") {
  Fixture fixture;
  const IntakeReceipt receipt =
      fixture.accept(envelope("1", kKey, "{}\n{\"type\":\"span\"}\n{}\n{\"type\":\"new\"}\n{}\n"));
  CHECK(receipt.accepted == 0);
  CHECK(receipt.event_id.empty());
  CHECK(fixture.intake.counts().ignored_items.at("span") == 1);
  CHECK(fixture.intake.counts().ignored_items.at("unknown") == 1);
}

TEST_CASE("a new project's key takes effect within five seconds, though it was asked for before") {
  Fixture fixture;
  const std::string key(32, 'f');
  const IntakeRequest request{.door = Door::kEvents, .query_key = key, .body = "{}"};
  CHECK(fixture.refuse(request).code == "unknown_key");
  REQUIRE(fixture.store->create_project("three", key));
  CHECK(fixture.refuse(request).code == "unknown_key");
  fixture.clock.advance(std::chrono::seconds(5));
  CHECK(fixture.accept(request).accepted == 1);
}

TEST_CASE("duplicates that the door knows stand in the ledger, not among the refusals") {
  Fixture fixture;
  const std::string event = "{\"event_id\":\"" + std::string(32, 'a') + "\"}";
  const std::string batch = "[" + event + "," + event + "]";
  CHECK(fixture.accept(events(batch)).duplicates == 1);
  CHECK(fixture.accept(events(batch)).duplicates == 2);
  fixture.intake.keep_house();
  const auto ledger = fixture.store->find_ledger({.project_id = 1, .to = 1795223297699});
  REQUIRE(ledger->items.size() == 1);
  CHECK(ledger->items.at(0).outcome == "duplicate");
  CHECK(ledger->items.at(0).count == 3);
  CHECK(fixture.store->find_refusals(1, 0, 1795223297699)->empty());
}

TEST_CASE("an envelope that comes again gives the same items, with an id of its own or without") {
  Fixture fixture;
  const std::string items =
      "{\"type\":\"attachment\",\"filename\":\"a\"}\nx\n{\"type\":\"attachment\",\"filename\":\"b\"}\nx\n"
      "{\"type\":\"transaction\"}\n{}\n";
  for (const std::string& header : {std::string("{}"), "{\"event_id\":\"" + std::string(32, 'd') + "\"}"}) {
    CAPTURE(header);
    const std::string body = header + "\n" + items;
    std::vector<std::string> ids[2];
    for (auto& round : ids) {
      fixture.accept(envelope("1", kKey, body));
      const auto claimed = fixture.spool->claim_items(10);
      for (const SpooledItem& item : *claimed) round.push_back(item.item_id);
    }
    CHECK(ids[0].size() == 3);
    CHECK(ids[0] == ids[1]);
    CHECK(ids[0][0] != ids[0][1]);
  }
}

namespace {

/// A spool whose appends wait until they are let go, or fail.
class HeldSpool : public Spool {
 public:
  explicit HeldSpool(Spool& inner) : inner_(inner) {}

  Status append(SpooledRequest request, std::string_view body) override {
    bool fails = false;
    {
      std::unique_lock lock(mutex_);
      ++arrived_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return let_go_ > 0; });
      --let_go_;
      fails = fails_;
    }
    return fails ? Status{Error{"storage", "no"}} : inner_.append(std::move(request), body);
  }
  void wait_for_appends(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ >= count; });
  }
  void let_go(int count, bool fails = false) {
    const std::lock_guard lock(mutex_);
    let_go_ += count;
    fails_ = fails;
    changed_.notify_all();
  }
  int appends() {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

  std::string name() const override { return inner_.name(); }
  Status admit(std::size_t bytes) override { return inner_.admit(bytes); }
  Status check_disk() override { return inner_.check_disk(); }
  Result<std::vector<SpooledItem>> claim_items(std::size_t count) override { return inner_.claim_items(count); }
  Result<std::vector<SpooledEvent>> claim_events(std::size_t count) override { return inner_.claim_events(count); }
  Status release(std::span<const std::int64_t> sequences) override { return inner_.release(sequences); }
  void stop() override { inner_.stop(); }
  [[nodiscard]] std::int64_t size() const override { return inner_.size(); }
  [[nodiscard]] SpoolCounts counts() const override { return inner_.counts(); }

 private:
  Spool& inner_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int arrived_ = 0;
  int let_go_ = 0;
  bool fails_ = false;
};

std::string event_of(char digit) { return R"({"event_id":")" + std::string(32, digit) + "\"}"; }

}  // namespace

TEST_CASE("an event that is sent twice at the same time is a duplicate once it is on disk, and not before") {
  Fixture fixture;
  HeldSpool spool(*fixture.spool);
  Intake intake(*fixture.store, spool, fixture.limits, fixture.clock);
  const std::string body = event_of('a');
  const auto take = [&] { return intake.take(events(body)); };
  auto first = std::async(std::launch::async, take);
  spool.wait_for_appends(1);
  auto second = std::async(std::launch::async, take);
  // Had it been let in, it would stand before the spool; had it been answered, it would be ready.
  CHECK(second.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout);
  CHECK(spool.appends() == 1);
  spool.let_go(1);
  CHECK(std::get<IntakeReceipt>(first.get()).accepted == 1);
  const IntakeReceipt answer = std::get<IntakeReceipt>(second.get());
  CHECK(answer.accepted == 0);
  CHECK(answer.duplicates == 1);
  CHECK(spool.appends() == 1);
}

TEST_CASE("an event whose request fails is taken from the other that brings it at the same time") {
  Fixture fixture;
  HeldSpool spool(*fixture.spool);
  Intake intake(*fixture.store, spool, fixture.limits, fixture.clock);
  const std::string body = event_of('a');
  const auto take = [&] { return intake.take(events(body)); };
  auto first = std::async(std::launch::async, take);
  spool.wait_for_appends(1);
  auto second = std::async(std::launch::async, take);
  spool.let_go(1, true);
  CHECK(std::get<IntakeRefusal>(first.get()).code == "storage");
  spool.wait_for_appends(2);
  spool.let_go(1);
  CHECK(std::get<IntakeReceipt>(second.get()).accepted == 1);
}

TEST_CASE("requests that share events in any order all end, and each event is accepted once") {
  Fixture fixture;
  constexpr int kRounds = 100;
  constexpr int kThreads = 4;
  std::atomic<std::size_t> accepted = 0;
  std::atomic<std::size_t> duplicates = 0;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        std::vector<std::string> list;
        for (int one = 0; one < 3; ++one) {
          std::string id = std::to_string(1 + round * 3 + (one + thread) % 3);  // 0 is no id
          id.insert(0, 32 - id.size(), '0');
          list.push_back(R"({"event_id":")" + id + "\"}");
        }
        const auto answer = fixture.intake.take(events("[" + list[0] + "," + list[1] + "," + list[2] + "]"));
        accepted += std::get<IntakeReceipt>(answer).accepted;
        duplicates += std::get<IntakeReceipt>(answer).duplicates;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(accepted == 3 * kRounds);
  CHECK(duplicates == 3 * kRounds * (kThreads - 1));
  CHECK(fixture.spool->size() == 3 * kRounds);
}

TEST_CASE("an event that is over the quota is not remembered as taken") {
  Fixture fixture;
  REQUIRE(fixture.store->change_project(1, [](std::string& /*name*/, IngestSettings& settings) {
    settings.rate_limit_per_hour = 1;
    return Status{};
  }));
  fixture.intake.keep_house();
  const std::string body = "[" + event_of('a') + "," + event_of('b') + "]";
  CHECK(fixture.accept(events(body)).accepted == 1);
  fixture.clock.advance(std::chrono::hours(1));
  const IntakeReceipt later = fixture.accept(events(body));
  CHECK(later.duplicates == 1);
  CHECK(later.accepted == 1);
}
