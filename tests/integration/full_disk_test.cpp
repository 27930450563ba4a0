/// The collector's disk is really full, and then it is not: what was acknowledged is there, each once.

#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "sdk/core/random.h"
#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/integration/small_disk.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Database;
using trapline::tests::Finished;
using trapline::tests::run_collector;
using trapline::tests::SmallDisk;
using trapline::tests::TemporaryFolder;

namespace {

constexpr std::uint64_t kDiskBytes = std::uint64_t{24} << 20;
constexpr std::chrono::seconds kDeadline{60};

class Sender {
 public:
  /// Sends a batch of ten events that do not compress; answers the error's code, empty when they were taken. What is
  /// refused is sent again by the next call, as clients do.
  std::string send(const CollectorProcess& collector, const std::string& key) {
    if (batch_.empty()) make_batch();
    const auto answer =
        collector.client()->Post("/v1/events", {{"Authorization", "Trapline " + key}}, batch_, "application/json");
    REQUIRE(answer);
    if (answer->status != 202) {
      CHECK_MESSAGE(answer->status == 503, answer->body);
      CHECK(std::stoi(answer->get_header_value("Retry-After")) > 0);
      return json::parse(answer->body)["error"]["code"];
    }
    acknowledged_.insert(ids_.begin(), ids_.end());
    batch_.clear();
    return {};
  }

  std::string send_until_refused(const CollectorProcess& collector, const std::string& key) {
    while (true) {
      if (std::string code = send(collector, key); !code.empty()) return code;
      REQUIRE(acknowledged_.size() < 100'000);
    }
  }

  void send_until_taken(const CollectorProcess& collector, const std::string& key) {
    const auto deadline = std::chrono::steady_clock::now() + kDeadline;
    while (!send(collector, key).empty()) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // polling, until the deadline
    }
  }

  [[nodiscard]] const std::set<std::string>& acknowledged() const { return acknowledged_; }

 private:
  void make_batch() {
    ids_.clear();
    json batch = json::array();
    for (int number = 0; number < 10; ++number) {
      ids_.push_back(trapline::core::random_hex(16));
      batch.push_back({{"event_id", ids_.back()},
                       {"message", "the disk is full"},
                       {"extra", {{"filler", trapline::core::random_hex(8'000)}}}});
    }
    batch_ = batch.dump();
  }

  std::string batch_;
  std::vector<std::string> ids_;  ///< in it
  std::set<std::string> acknowledged_;
};

/// Each acknowledged event is stored, each stored one once, and the issue counts them.
void check_stored(const std::string& data, const std::set<std::string>& acknowledged) {
  Database database(data + "/trapline.db");
  const std::vector<std::string> stored = database.texts("SELECT lower(hex(event_id)) FROM event");
  const std::set<std::string> distinct(stored.begin(), stored.end());
  MESSAGE(acknowledged.size() << " events were acknowledged, " << stored.size() << " are stored");
  CHECK(distinct == acknowledged);
  CHECK(distinct.size() == stored.size());
  CHECK(database.texts("SELECT sum(count) FROM issue").at(0) == std::to_string(stored.size()));
  CHECK(database.texts("SELECT count(*) FROM issue").at(0) == "1");
  CHECK(database.texts("PRAGMA integrity_check").at(0) == "ok");
}

}  // namespace

TEST_CASE("a disk that falls below the space to leave free: events are refused, and taken again when there is room") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("disk"), kDiskBytes);
  if (!disk.is_mounted()) return;
  disk.fill(kDiskBytes / 2);
  Sender sender;
  std::string key;
  {
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "4194304"});
    key = collector.key();
    CHECK(sender.send_until_refused(collector, key) == "disk_full");
    CHECK(sender.acknowledged().size() > 100);
    disk.fill();
    CHECK(collector.end(SIGTERM) == 0);
    disk.fill();  // what stopping has given back
  }
  {
    // Started again without a byte left.
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "4194304"});
    CHECK(sender.send(collector, key) == "disk_full");
    CHECK(collector.client()->Get("/readyz")->status == 503);
    CHECK(collector.client()->Get("/healthz")->status == 200);
    disk.make_room();
    sender.send_until_taken(collector, key);
    collector.wait_until_digested();
  }
  check_stored(disk.folder(), sender.acknowledged());
}

TEST_CASE("a disk that was filled while the collector was stopped: it says what to do, and then has all of it") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("disk"), kDiskBytes);
  if (!disk.is_mounted()) return;
  Sender sender;
  {
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "0"});
    static_cast<void>(sender.send(collector, collector.key()));
    CHECK(collector.end(SIGTERM) == 0);
  }
  disk.fill();
  const Finished refused = run_collector({"serve", "--data", disk.folder(), "--listen", "127.0.0.1:0"});
  CHECK(refused.exit_status == 1);
  CHECK_MESSAGE(refused.output.find("the disk is full: make some megabytes of room") != std::string::npos,
                refused.output);
  disk.make_room();
  {
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "0"});
    collector.wait_until_digested();
  }
  check_stored(disk.folder(), sender.acknowledged());
}

TEST_CASE("a disk that is full to the last byte: nothing acknowledged is lost, and it goes on when there is room") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("disk"), kDiskBytes);
  if (!disk.is_mounted()) return;
  Sender sender;
  std::string key;
  {
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "0"});
    key = collector.key();
    for (int batch = 0; batch < 10; ++batch) CHECK(sender.send(collector, key).empty());
    disk.fill();
    CHECK(sender.send_until_refused(collector, key) == "disk_full");
    // Killed, it finds the database's log as it was.
    CHECK(collector.end(SIGKILL) == -1);
  }
  {
    CollectorProcess collector(disk.folder(), {"--min-free-bytes", "0"});
    static_cast<void>(sender.send_until_refused(collector, key));
    disk.make_room();
    sender.send_until_taken(collector, key);
    collector.wait_until_digested();
    CHECK(collector.end(SIGTERM) == 0);
  }
  check_stored(disk.folder(), sender.acknowledged());
}
