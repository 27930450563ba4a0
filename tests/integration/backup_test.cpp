/// A backup is made while events come in, put into another folder, and served from there.

#include <atomic>
#include <csignal>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Database;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

/// An id of zeros alone is none: the collector gives such an event another.
constexpr int kFirst = 10;

std::string event_id(int number) {
  const std::string digits = std::to_string(number);
  return std::string(32 - digits.size(), '0') + digits;
}

/// Sends ten events at a time until it is told to stop.
class Sender {
 public:
  explicit Sender(const CollectorProcess& collector)
      : key_(collector.key()), thread_([this, client = collector.client()] { send(*client); }) {}
  ~Sender() { stop(); }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  void stop() {
    is_over_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// All events from kFirst on below this number were acknowledged.
  [[nodiscard]] int acknowledged() const { return acknowledged_; }
  void wait_for(int count) const {
    while (acknowledged_ < count && !is_over_) std::this_thread::yield();
  }

 private:
  void send(httplib::Client& client) {
    for (int first = kFirst; !is_over_ && first < 200'000;) {
      json batch = json::array();
      for (int number = first; number < first + 10; ++number) {
        batch.push_back({{"event_id", event_id(number)},
                         {"message", "kind " + std::string(1, static_cast<char>('a' + number % 7))},
                         {"user", {{"id", number % 50}}},
                         {"extra", {{"filler", std::string(1'000, 'x')}}}});
      }
      const auto answer =
          client.Post("/v1/events", {{"Authorization", "Trapline " + key_}}, batch.dump(), "application/json");
      if (!answer) break;
      if (answer->status != 202) continue;
      first += 10;
      acknowledged_ = first;
    }
    is_over_ = true;
  }

  std::string key_;
  std::atomic<int> acknowledged_ = kFirst;
  std::atomic<bool> is_over_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a backup made while events come in has all that were acknowledged before, and can be served from") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  const std::string backup = folder.path("backup");
  const std::string restored = folder.path("restored");
  int acknowledged = 0;
  {
    CollectorProcess collector(data);
    Sender sender(collector);
    sender.wait_for(1'000);
    acknowledged = sender.acknowledged();
    const auto made = run_collector({"backup", backup, "--data", data});
    CHECK_MESSAGE(made.exit_status == 0, made.output);
    const int after = sender.acknowledged();
    CHECK(after > acknowledged);
    const auto checked = run_collector({"check", "--deep", "--data", data});
    CHECK_MESSAGE(checked.exit_status == 0, checked.output);
    CHECK(run_collector({"backup", backup, "--data", data}).exit_status == 1);
    const auto refused = run_collector({"restore", backup, "--data", data, "--force"});
    CHECK(refused.exit_status == 1);
    CHECK(refused.output.find("stop it first") != std::string::npos);
    sender.stop();
  }
  const auto put_back = run_collector({"restore", backup, "--data", restored});
  REQUIRE_MESSAGE(put_back.exit_status == 0, put_back.output);
  CHECK(put_back.output.find("serve --data " + restored) != std::string::npos);
  {
    CollectorProcess collector(restored);
    collector.wait_until_digested();
    CHECK(collector.get("/issues")["items"].size() == 7);
  }
  Database database(restored + "/trapline.db");
  const auto stored = database.texts("SELECT lower(hex(event_id)) FROM event");
  const std::set<std::string> distinct(stored.begin(), stored.end());
  CHECK(distinct.size() == stored.size());
  int missing = 0;
  for (int number = kFirst; number < acknowledged; ++number) missing += distinct.contains(event_id(number)) ? 0 : 1;
  MESSAGE((acknowledged - kFirst) << " events were acknowledged before the backup, " << stored.size() << " are in it");
  CHECK(missing == 0);
  const auto checked = run_collector({"check", "--deep", "--data", restored});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
}

TEST_CASE("check says by its exit status what it found, and --repair mends it") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  CHECK(run_collector({"check", "--data", data}).exit_status == 2);
  CollectorProcess collector(data);
  const auto client = collector.client();
  const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}},
                                   R"([{"message":"m"}])", "application/json");
  REQUIRE(answer);
  collector.wait_for_events(1);
  CHECK(run_collector({"check", "--data", data}).exit_status == 0);
  Database(data + "/trapline.db").run("UPDATE issue SET count = 7");
  const auto found = run_collector({"check", "--data", data});
  CHECK(found.exit_status == 1);
  CHECK_MESSAGE(found.output.find("issue 1: count 7, by its hashes 1") != std::string::npos, found.output);
  const auto mended = run_collector({"check", "--data", data, "--repair"});
  CHECK_MESSAGE(mended.exit_status == 0, mended.output);
  CHECK(run_collector({"check", "--data", data}).exit_status == 0);
}

TEST_CASE("with PostgreSQL, backup names the command to use, and no password") {
  const std::string url = "postgres://trapline:secret@db.example.com/trapline";
  const auto backup = run_collector({"backup", "x", "--database", url});
  CHECK(backup.exit_status == 1);
  CHECK_MESSAGE(backup.output.find("pg_dump --format=custom --file=trapline.dump "
                                   "--dbname='postgres://trapline@db.example.com/trapline'") != std::string::npos,
                backup.output);
  CHECK(backup.output.find("user-key") != std::string::npos);
  CHECK(backup.output.find("secret") == std::string::npos);
  const auto restore = run_collector({"restore", "x", "--database", url});
  CHECK(restore.exit_status == 1);
  CHECK(restore.output.find("pg_restore") != std::string::npos);
}
