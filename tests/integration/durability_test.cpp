/// What was acknowledged stays, whatever happens to the collector and to its database.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sqlite3.h>

#include "sdk/core/gzip.h"
#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using trapline::tests::CollectorProcess;
using trapline::tests::TemporaryFolder;

namespace {

std::string event_id(std::uint64_t number) {
  std::string id = std::to_string(number);
  return std::string(32 - id.size(), 'a') + id;
}

/// Sends batches of five events, each event with the next number, until it cannot any more. Answers the numbers of
/// those that were acknowledged.
std::vector<std::uint64_t> send_until_the_end(const CollectorProcess& collector, const std::string& key,
                                              std::atomic<std::uint64_t>& next_number) {
  constexpr std::uint64_t kBatch = 5;
  std::vector<std::uint64_t> acknowledged;
  const auto client = collector.client();
  while (true) {
    const std::uint64_t first = next_number.fetch_add(kBatch);
    std::string body;
    for (std::uint64_t number = first; number < first + kBatch; ++number) {
      body += R"({"event_id":")" + event_id(number) + R"(","message":"number","tags":{"n":")" + std::to_string(number) +
              "\"}}\n";
    }
    const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + key}, {"Content-Encoding", "gzip"}},
                                     trapline::core::gzip(body), "application/x-ndjson");
    if (!answer || answer->status != 202) return acknowledged;
    for (std::uint64_t number = first; number < first + kBatch; ++number) acknowledged.push_back(number);
  }
}

/// How often each event is stored.
std::map<std::string, int> stored_ids(CollectorProcess& collector) {
  std::map<std::string, int> stored;
  std::string cursor;
  while (true) {
    const auto page = collector.get("/events?limit=100&payload=false" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& event : page["items"]) ++stored[event["event_id"].get<std::string>()];
    if (page["next_cursor"].is_null()) return stored;
    cursor = page["next_cursor"];
  }
}

void wait_until_digested(CollectorProcess& collector) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100);
  while (collector.client()->Get("/metrics")->body.find("\ntrapline_spool_events 0\n") == std::string::npos) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // polling, until the deadline
  }
}

}  // namespace

TEST_CASE(
    "kill -9 under load, again and again: every acknowledged event is there once, and the issue counts them all") {
  const bool is_long = std::getenv("TRAPLINE_LONG") != nullptr;  // NOLINT(concurrency-mt-unsafe): before any thread
  const int rounds = is_long ? 100 : 10;
  TemporaryFolder folder;
  std::mt19937 random(20261126);
  std::uniform_int_distribution<int> delay_ms(1, 60);
  std::atomic<std::uint64_t> next_number{1};
  std::vector<std::uint64_t> acknowledged;
  std::string key;
  for (int round = 0; round < rounds; ++round) {
    CollectorProcess collector(folder.path("data"));
    if (key.empty()) key = collector.key();
    std::mutex mutex;
    std::vector<std::thread> senders;
    for (int sender = 0; sender < 4; ++sender) {
      senders.emplace_back([&] {
        const auto own = send_until_the_end(collector, key, next_number);
        const std::lock_guard lock(mutex);
        acknowledged.insert(acknowledged.end(), own.begin(), own.end());
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms(random)));
    collector.end(SIGKILL);
    for (std::thread& sender : senders) sender.join();
  }
  CollectorProcess collector(folder.path("data"));
  wait_until_digested(collector);
  const auto stored = stored_ids(collector);
  std::size_t missing = 0;
  std::size_t doubled = 0;
  for (const std::uint64_t number : acknowledged) missing += stored.contains(event_id(number)) ? 0 : 1;
  for (const auto& [id, count] : stored) doubled += count > 1 ? 1 : 0;
  MESSAGE(rounds << " kills, " << acknowledged.size() << " events acknowledged, " << stored.size() << " stored");
  CHECK(acknowledged.size() > 100);
  CHECK(missing == 0);
  CHECK(doubled == 0);
  CHECK(collector.get("/issues")["items"][0]["count"] == stored.size());
}

TEST_CASE("while another process has locked the database, events are taken in, and stored when it lets go") {
  TemporaryFolder folder;
  CollectorProcess collector(folder.path("data"));
  const auto client = collector.client();
  const httplib::Headers with_key{{"Authorization", "Trapline " + collector.key()}};
  const auto send = [&] { return client->Post("/v1/events", with_key, "{\"message\":\"m\"}", "application/json"); };
  CHECK(send()->status == 202);
  collector.wait_for_events(1);
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((folder.path("data") + "/trapline.db").c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "PRAGMA busy_timeout = 10000; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) ==
          SQLITE_OK);
  for (int number = 0; number < 100; ++number) CHECK(send()->status == 202);
  CHECK(client->Get("/metrics")->body.find("\ntrapline_spool_events 100\n") != std::string::npos);
  REQUIRE(sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  wait_until_digested(collector);
  CHECK(collector.get("/issues")["items"][0]["count"] == 101);
}
