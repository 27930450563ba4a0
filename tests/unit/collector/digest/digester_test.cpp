#include "collector/digest/digester.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;

namespace {

/// A spool in memory that can refuse to release.
class MemorySource final : public EventSource {
 public:
  void put(std::string payload) {
    const std::lock_guard lock(mutex_);
    SpooledEvent event;
    event.sequence = ++last_;
    event.project_id = 1;
    event.event_id = std::string(28, 'b') + std::to_string(1000 + last_);
    event.received_at = 1795223297698;
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
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return events_.empty(); });
  }

  trapline::core::Result<std::vector<SpooledEvent>> wait_for_events(std::size_t) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !events_.empty() || is_stopped_; });
    if (is_stopped_) return std::vector<SpooledEvent>{};
    return std::vector<SpooledEvent>(events_.begin(), events_.end());
  }
  trapline::core::Status release_through(std::int64_t sequence) override {
    const std::lock_guard lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      return trapline::core::Error{"storage", "the disk is away"};
    }
    while (!events_.empty() && events_.front().sequence <= sequence) events_.pop_front();
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
  std::int64_t last_ = 0;
  int failures_ = 0;
  bool is_stopped_ = false;
};

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  std::unique_ptr<Store> store = open_store("sqlite:" + folder.path("t.db")).value();
  MemorySource source;
  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }
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
  CHECK(digester.duplicates() == 20);
}

TEST_CASE("an event that cannot be digested is kept as it came, and blocks nothing") {
  Fixture fixture;
  fixture.source.put("this is no JSON");
  fixture.source.put(R"({"message":"fine"})");
  Digester digester(fixture.source, *fixture.store);
  digester.start();
  CHECK(fixture.source.wait_until_empty());
  digester.stop();
  const auto events = fixture.store->find_events({});
  REQUIRE(events);
  REQUIRE(events->items.size() == 2);
  CHECK(events->items[1].event.payload.find("this is no JSON") != std::string::npos);
}
