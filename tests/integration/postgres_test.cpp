/// Several collectors on one PostgreSQL server: they, and it, are killed under load, and nothing acknowledged is lost.

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/kill_load.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::PostgresServer;
using trapline::tests::send_batch;
using trapline::tests::Sender;
using trapline::tests::TemporaryFolder;

namespace {

/// What stands in the server when all is digested: every acknowledged event once, and counts that say so.
void check_counts(const PostgresServer& server, const std::set<std::string>& acknowledged) {
  const std::vector<std::string> stored = server.texts("SELECT encode(event_id, 'hex') FROM event");
  const std::set<std::string> distinct(stored.begin(), stored.end());
  int missing = 0;
  for (const std::string& id : acknowledged) missing += distinct.contains(id) ? 0 : 1;
  CHECK(missing == 0);
  CHECK(distinct.size() == stored.size());
  const std::string count = std::to_string(stored.size());
  CHECK(server.texts("SELECT sum(count) FROM issue").at(0) == count);
  CHECK(server.texts("SELECT sum(count) FROM issue_hash").at(0) == count);
  CHECK(server.texts("SELECT sum(count) FROM hash_hour").at(0) == count);
  CHECK(server.texts("SELECT sum(count) FROM hash_presence").at(0) == count);
  CHECK(server.texts("SELECT sum(count) FROM ledger WHERE outcome = 'stored'").at(0) == count);
  CHECK(server.texts("SELECT count(*) FROM issue").at(0) == "7");
  CHECK(server.texts("SELECT count(*) FROM issue_history WHERE kind = 'new'").at(0) == "7");
  CHECK(server.texts("SELECT count(*) FROM quarantined_event").at(0) == "0");
}

}  // namespace

TEST_CASE("three collectors on one database, they and it killed under load: every acknowledged event is there once") {
  const TemporaryFolder folder;
  PostgresServer server(true);
  const std::vector<std::string> database = {"--database", server.url()};
  std::string key;
  std::mt19937 random(20261127);
  std::uniform_int_distribution<int> delay_ms(0, 300);
  const auto let_pass = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms(random)));  // the instant of the kill, not a wait
  };
  std::vector<Sender> senders;
  for (int number = 0; number < 3; ++number) senders.emplace_back(number * 10'000'000 + 10);
  constexpr std::size_t kRounds = 12;
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::vector<std::unique_ptr<CollectorProcess>> collectors;
    for (std::size_t number = 0; number < senders.size(); ++number) {
      collectors.push_back(std::make_unique<CollectorProcess>(folder.path("data" + std::to_string(number)), database));
    }
    if (round == 0) key = collectors.front()->key();
    std::vector<std::thread> threads;
    for (std::size_t number = 0; number < senders.size(); ++number) {
      // What had no answer is sent to another one than before.
      const CollectorProcess& collector = *collectors[(number + round) % collectors.size()];
      threads.emplace_back([&, number] { senders[number].send_until_dead(collector, key); });
    }
    let_pass();
    if (round % 2 == 1) {
      server.kill();
      server.start();
      let_pass();
    }
    for (const auto& collector : collectors) CHECK(collector->end(SIGKILL) == -1);
    for (std::thread& thread : threads) thread.join();
  }
  std::set<std::string> acknowledged;
  for (const Sender& sender : senders) acknowledged.insert(sender.acknowledged().begin(), sender.acknowledged().end());
  for (std::size_t number = 0; number < senders.size(); ++number) {
    const CollectorProcess collector(folder.path("data" + std::to_string(number)), database);
    collector.wait_until_digested();
  }
  MESSAGE("three collectors killed " << kRounds << " times each, the server " << kRounds / 2 << " times, "
                                     << acknowledged.size() << " events were acknowledged");
  CHECK(acknowledged.size() > 500);
  check_counts(server, acknowledged);
}

TEST_CASE("while the server is down events are taken in, and stored when it is back") {
  const TemporaryFolder folder;
  PostgresServer server;
  CollectorProcess collector(folder.path("data"), {"--database", server.url()});
  const std::string key = collector.key();
  const auto client = collector.client();
  const auto send = [&](int first) { send_batch(*client, key, first); };
  send(0);
  collector.wait_until_digested();
  server.kill();
  for (int first = 10; first < 110; first += 10) send(first);
  CHECK(client->Get("/readyz")->status == 503);
  server.start();
  collector.wait_until_digested();
  CHECK(client->Get("/readyz")->status == 200);
  CHECK(collector.get("/projects/1/ledger")["totals"]["stored"] == 110);
  CHECK(collector.get("/projects/1/quarantine")["items"].empty());
}

TEST_CASE("a server that is not there is told in words that help") {
  const TemporaryFolder folder;
  const PostgresServer server;
  const auto elsewhere = trapline::tests::run_collector({"serve", "--data", folder.path("a"), "--listen", "127.0.0.1:0",
                                                         "--database", "postgres://trapline:secret@127.0.0.1:1/none"});
  CHECK(elsewhere.exit_status != 0);
  CHECK_MESSAGE(elsewhere.output.find("cannot connect to PostgreSQL") != std::string::npos, elsewhere.output);
  CHECK(elsewhere.output.find("secret") == std::string::npos);
}
