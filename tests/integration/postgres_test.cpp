/// Several collectors on one PostgreSQL server: they, and it, are killed under load, and nothing acknowledged is lost.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/kill_load.h"
#include "tests/integration/small_disk.h"
#include "tests/support/postgres_server.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::PostgresServer;
using trapline::tests::run_collector;
using trapline::tests::send_batch;
using trapline::tests::Sender;
using trapline::tests::SmallDisk;
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
    // One dies and comes back while the others go on.
    const std::size_t first = round % collectors.size();
    CHECK(collectors[first]->end(SIGKILL) == -1);
    threads.front().join();
    collectors[first] = std::make_unique<CollectorProcess>(folder.path("data" + std::to_string(first)), database);
    threads.front() = std::thread([&] { senders.front().send_until_dead(*collectors[first], key); });
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
  MESSAGE("three collectors killed " << kRounds * 4 / 3 << " times each, the server " << kRounds / 2 << " times, "
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

TEST_CASE("what one collector takes is news for browsers at another, and uses up its limits") {
  const TemporaryFolder folder;
  const PostgresServer server;
  const std::vector<std::string> database = {"--database", server.url()};
  CollectorProcess one(folder.path("one"), database);
  CollectorProcess other(folder.path("other"), database);
  const std::string key = one.key();
  const auto created = run_collector(
      {"token", "create", "--name", "t", "--scope", "admin", "--data", folder.path("one"), "--database", server.url()});
  const std::string token = created.output.substr(0, created.output.find('\n'));
  trapline::tests::SocketClient browser(
      other.port(), "GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n");
  browser.next("stats");
  const auto limited = one.client()->Patch("/api/v1/projects/1", {{"Authorization", "Bearer " + token}},
                                           R"({"rate_limit_per_hour":1000})", "application/json");
  REQUIRE(limited);
  REQUIRE_MESSAGE(limited->status == 200, limited->body);
  send_batch(*one.client(), key, 0);
  const json made = browser.next("issue");
  CHECK(made["kind"] == "new");
  for (int first = 10; first < 1'000; first += 10) send_batch(*one.client(), key, first);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  int status = 0;
  int taken = 0;
  for (int first = 2'000; status != 429 && std::chrono::steady_clock::now() < deadline; first += 10) {
    const auto answer = other.client()->Post("/v1/events", {{"Authorization", "Trapline " + key}},
                                             trapline::tests::batch_of(first), "application/json");
    REQUIRE(answer);
    status = answer->status;
    taken += status == 202 ? 10 : 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // polling, until the deadline
  }
  CHECK(status == 429);
  CHECK(taken < 1'000);  // that many it would have taken by itself
}

TEST_CASE("the server's disk is full: what was acknowledged waits, and is stored when there is room") {
  if (geteuid() != 0) {
    std::puts("SKIPPED: a server that may run does not do so in a name space of users");
    return;
  }
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("disk"), std::uint64_t{160} << 20U);
  if (!disk.is_mounted()) return;
  PostgresServer server(false, disk.folder());
  const CollectorProcess collector(folder.path("data"), {"--database", server.url()});
  const std::string key = collector.key();
  std::set<std::string> acknowledged;
  int next = 10;
  const auto send = [&] {
    send_batch(*collector.client(), key, next);
    for (const int end = next + 10; next < end; ++next) acknowledged.insert(trapline::tests::event_id(next));
  };
  send();
  collector.wait_until_digested();
  disk.fill();
  // Until the server has no page left for them, and they wait.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto waiting = [&] {
    const auto metrics = collector.client()->Get("/metrics");
    REQUIRE(metrics);
    const std::string name = "\ntrapline_spool_events ";
    return std::stoi(metrics->body.substr(metrics->body.find(name) + name.size()));
  };
  while (waiting() < 500 && std::chrono::steady_clock::now() < deadline) send();
  CHECK(waiting() >= 500);
  server.kill();
  disk.make_room();
  server.start();
  collector.wait_until_digested();
  check_counts(server, acknowledged);
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
