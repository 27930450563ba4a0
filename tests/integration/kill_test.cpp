/// The collector is killed, and its database is locked, under load: what was acknowledged is there, each once.

#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/integration/kill_load.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Database;
using trapline::tests::send_batch;
using trapline::tests::Sender;
using trapline::tests::TemporaryFolder;

TEST_CASE("the collector killed 100 times under load: every acknowledged event is there once, and issues count them") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  std::string key;
  std::mt19937 random(20261126);
  std::uniform_int_distribution<int> delay_ms(0, 250);
  std::vector<Sender> senders;
  for (int number = 0; number < 3; ++number) senders.emplace_back(number * 10'000'000 + 10);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  int rounds = 0;
  for (; rounds < 100 && std::chrono::steady_clock::now() < end; ++rounds) {
    CollectorProcess collector(data);
    if (rounds == 0) key = collector.key();
    std::vector<std::thread> threads;
    threads.reserve(senders.size());
    for (Sender& sender : senders) threads.emplace_back([&] { sender.send_until_dead(collector, key); });
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms(random)));  // the instant of the kill, not a wait
    CHECK(collector.end(SIGKILL) == -1);
    for (std::thread& thread : threads) thread.join();
  }
  std::set<std::string> acknowledged;
  for (const Sender& sender : senders) acknowledged.insert(sender.acknowledged().begin(), sender.acknowledged().end());
  {
    CollectorProcess collector(data);
    collector.wait_until_digested();
  }
  Database database(data + "/trapline.db");
  const std::vector<std::string> stored = database.texts("SELECT lower(hex(event_id)) FROM event");
  const std::set<std::string> distinct(stored.begin(), stored.end());
  int missing = 0;
  for (const std::string& id : acknowledged) missing += distinct.contains(id) ? 0 : 1;
  MESSAGE("killed " << rounds << " times, " << acknowledged.size() << " events were acknowledged, " << stored.size()
                    << " are stored");
  CHECK(rounds >= 30);
  CHECK(acknowledged.size() > 1'000);
  CHECK(missing == 0);
  CHECK(distinct.size() == stored.size());
  // At most the batch in flight of each sender is there without an acknowledgement.
  CHECK(stored.size() <= acknowledged.size() + 10 * senders.size());
  const std::string count = std::to_string(stored.size());
  CHECK(database.texts("SELECT sum(count) FROM issue").at(0) == count);
  CHECK(database.texts("SELECT sum(count) FROM hash_hour").at(0) == count);
  CHECK(database.texts("SELECT sum(count) FROM hash_presence").at(0) == count);
  CHECK(database.texts("SELECT sum(count) FROM ledger WHERE outcome = 'stored'").at(0) == count);
  CHECK(database.texts("SELECT count(*) FROM issue").at(0) == "7");
  CHECK(database.texts("SELECT count(*) FROM issue_history WHERE kind = 'new'").at(0) == "7");
  CHECK(database.texts("PRAGMA integrity_check").at(0) == "ok");
}

TEST_CASE(
    "while another process locks the database for longer than anybody waits, events are taken in, and stored "
    "afterwards") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("data"));
  const std::string key = collector.key();
  const auto client = collector.client();
  const auto send = [&](int first) { send_batch(*client, key, first); };
  send(0);
  collector.wait_until_digested();
  {
    Database other(folder.path("data") + "/trapline.db");
    other.run("BEGIN IMMEDIATE; UPDATE project SET name = name;");
    const auto unlock_at = std::chrono::steady_clock::now() + std::chrono::milliseconds(10'500);
    for (int first = 10; first < 110; first += 10) send(first);
    std::this_thread::sleep_until(unlock_at);  // how long the lock is held is what this is about
    other.run("COMMIT");
  }
  collector.wait_until_digested();
  CHECK(collector.get("/projects/1/ledger")["totals"]["stored"] == 110);
  std::int64_t counted = 0;
  const json issues = collector.get("/issues");
  for (const json& issue : issues["items"]) counted += issue["count"].get<std::int64_t>();
  CHECK(counted == 110);
  CHECK(collector.get("/projects/1/quarantine")["items"].empty());
}
