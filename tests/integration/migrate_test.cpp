/// The whole program moves its store to PostgreSQL and back: killed in the middle it goes on, and the collector goes on
/// in the new database.

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Database;
using trapline::tests::Finished;
using trapline::tests::PostgresServer;
using trapline::tests::run_collector;
using trapline::tests::run_collector_for;
using trapline::tests::TemporaryFolder;

namespace {

constexpr int kEvents = 60;

std::string event_id(int number) {
  const std::string digits = std::to_string(number);
  return std::string(31 - digits.size(), '0') + digits + "f";  // all zeros would be no id
}

void send(const CollectorProcess& collector, const std::string& key, int from, int to) {
  json batch = json::array();
  for (int number = from; number < to; ++number) {
    batch.push_back(
        {{"event_id", event_id(number)}, {"message", "kind " + std::string(1, static_cast<char>('a' + number % 3))}});
  }
  const auto answer =
      collector.client()->Post("/v1/events", {{"Authorization", "Trapline " + key}}, batch.dump(), "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 202);
  collector.wait_until_digested();
}

/// Of each issue its title and count.
std::vector<std::string> issues(CollectorProcess& collector) {
  std::vector<std::string> issues;
  const json found = collector.get("/issues?sort=first_seen&limit=100");
  for (const json& issue : found["items"]) {
    issues.push_back(issue["id"].dump() + issue["title"].dump() + issue["count"].dump());
  }
  return issues;
}

/// Many rows, so that the program can be killed while it copies them.
void add_rows(const std::string& path, int count) {
  Database(path).run(
      ("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(count) +
       ") INSERT INTO event_counted (project_id, event_id) SELECT 1, CAST(printf('%016d', i) AS BLOB) FROM n")
          .c_str());
}

constexpr const char* kDoneBefore = "the target is not empty";

/// Runs the command until it has ended by itself, killing it later each time.
Finished move_through_kills(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "migrate-store");
  Finished finished;
  int kills = 0;
  for (int delay_ms = 60; finished.exit_status != 0; delay_ms += 20 + delay_ms / 4) {
    REQUIRE(delay_ms < 60'000);
    finished = run_collector_for(std::chrono::milliseconds(delay_ms), arguments);
    // The kill before came between the end of the move and that of the program.
    if (kills > 0 && finished.output.find(kDoneBefore) != std::string::npos) break;
    REQUIRE_MESSAGE(finished.exit_status <= 0, finished.output);
    if (finished.exit_status < 0) ++kills;
  }
  CHECK(kills > 0);
  return finished;
}

}  // namespace

TEST_CASE("a store is moved to PostgreSQL and back, through kills, and the collector finds all of it there") {
  const TemporaryFolder folder;
  const PostgresServer server;
  const std::string data = folder.path("data");
  const std::string from = "sqlite:" + data + "/trapline.db";
  const std::string to = server.url();
  std::string key;
  std::string token;
  std::vector<std::string> before;
  {
    CollectorProcess collector(data);
    key = collector.key();
    token = collector.token();
    send(collector, key, 0, kEvents);
    before = issues(collector);
    CHECK(before.size() == 3);
    const auto refused = run_collector({"migrate-store", "--from", from, "--to", to});
    CHECK(refused.exit_status == 1);
    CHECK(refused.output.find("stop it") != std::string::npos);
    CHECK(collector.end(SIGKILL) == -1);
  }
  constexpr int kRows = 100'000;
  add_rows(data + "/trapline.db", kRows);

  const Finished finished = move_through_kills({"--from", from, "--to", to});
  if (finished.output.find(kDoneBefore) == std::string::npos) {
    CHECK_MESSAGE(finished.output.find("counts and checksums are the same") != std::string::npos, finished.output);
    CHECK(finished.output.find("copying") != std::string::npos);
    CHECK(finished.output.find("comparing") != std::string::npos);
    CHECK(finished.output.find("user-key") != std::string::npos);
  }
  CHECK(run_collector({"migrate-store", "--from", from, "--to", to}).output.find("not empty") != std::string::npos);

  {
    CollectorProcess collector(data, {"--database", to});
    collector.use_token(token);
    CHECK(issues(collector) == before);
    send(collector, key, 0, kEvents + 3);  // the first of them it knows
    const json found = collector.get("/issues?limit=100");
    int count = 0;
    for (const json& issue : found["items"]) count += issue["count"].get<int>();
    CHECK(found["items"].size() == 3);
    CHECK(count == kEvents + 3);
    before = issues(collector);
  }
  const std::string back = "sqlite:" + folder.path("back.db");
  move_through_kills({"--from", to, "--to", back, "--data", data});
  CollectorProcess collector(data, {"--database", back});
  collector.use_token(token);
  CHECK(issues(collector) == before);
}
