/// Live updates of a real collector.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

/// A client of GET /api/v1/stream.
struct Watcher : trapline::tests::SocketClient {
  Watcher(int port, const std::string& token, const std::string& query = "", const std::string& headers = "")
      : SocketClient(port, "GET /api/v1/stream" + query + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token +
                               "\r\n" + headers + "\r\n") {}
  /// The id of the next event of the name.
  std::string next_id(const std::string& event) {
    REQUIRE(receives("id: "));
    const std::string id = read_until("\n");
    CHECK(receives("event: " + event + "\n"));
    return id.substr(0, id.size() - 1);
  }
};

struct Fixture {
  TemporaryFolder folder;
  CollectorProcess collector{folder.path("data")};
  std::unique_ptr<httplib::Client> client = collector.client();
  std::string writer;

  Fixture() {
    writer =
        run_collector({"token", "create", "--name", "w", "--scope", "write", "--data", folder.path("data")}).output;
    while (writer.ends_with('\n')) writer.pop_back();
  }
  void send(const std::string& message) const {
    const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}},
                                     json{{"message", message}}.dump(), "application/json");
    REQUIRE(answer);
    CHECK(answer->status == 202);
  }
};

}  // namespace

TEST_CASE("a stream tells of a new issue, of what people do to it, and of its return") {
  Fixture fixture;
  Watcher watcher(fixture.collector.port(), fixture.collector.token());
  CHECK(watcher.next("stats") == json{{"accepted", 0}, {"digested", 0}});
  fixture.send("over there");
  const json made = watcher.next("issue");
  CHECK(made["kind"] == "new");
  CHECK(made["issue"]["title"] == "over there");
  CHECK(watcher.next("stats")["accepted"] == 1);
  const std::string path = "/api/v1/issues/" + made["id"].get<std::string>();
  const auto resolved = fixture.client->Patch(path, {{"Authorization", "Bearer " + fixture.writer}},
                                              R"({"status":"resolved"})", "application/json");
  REQUIRE(resolved);
  CHECK(resolved->status == 200);
  const json changed = watcher.next("issue");
  CHECK(changed["kind"] == "changed");
  CHECK(changed["issue"]["status"] == "resolved");
  fixture.send("over there");
  const json back = watcher.next("issue");
  CHECK(back["kind"] == "regressed");
  CHECK(back["issue"]["count"] == 2);
}

TEST_CASE("a browser that comes back gets what it missed, and after a restart is told that it missed some") {
  Fixture fixture;
  const int port = fixture.collector.port();
  std::string seen;
  {
    Watcher watcher(port, fixture.collector.token());
    seen = watcher.next_id("stats");
  }
  Watcher other(port, fixture.collector.token());
  other.next("stats");
  fixture.send("meanwhile");
  other.next("issue");
  Watcher back(port, fixture.collector.token(), "", "Last-Event-ID: " + seen + "\r\n");
  CHECK(back.next("issue")["issue"]["title"] == "meanwhile");
  CHECK(fixture.client->Get("/api/v1/stream", {{"Last-Event-ID", seen}})->status == 401);
  CHECK(fixture.collector.end(SIGTERM) == 0);
  CollectorProcess restarted(fixture.folder.path("data"));
  Watcher again(restarted.port(), fixture.collector.token(), "", "Last-Event-ID: " + seen + "\r\n");
  CHECK(again.next("missed") == json{{"count", nullptr}});
}

TEST_CASE("a stream is for those who may read, and for projects that are there") {
  Fixture fixture;
  CHECK(fixture.client->Get("/api/v1/stream")->status == 401);
  const httplib::Headers with_token{{"Authorization", "Bearer " + fixture.collector.token()}};
  CHECK(fixture.client->Get("/api/v1/stream?project=99", with_token)->status == 404);
  CHECK(fixture.client->Get("/api/v1/stream?project=x", with_token)->status == 400);
  Watcher watcher(fixture.collector.port(), fixture.collector.token(), "?project=1");
  watcher.next("stats");
  fixture.send("of project 1");
  CHECK(watcher.next("issue")["project_id"] == "1");
}

TEST_CASE("50 open streams leave an honest client's p99 below 100 ms, and all of them are told") {
  Fixture fixture;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int number = 0; number < 50; ++number) {
    watchers.push_back(std::make_unique<Watcher>(fixture.collector.port(), fixture.collector.token()));
    watchers.back()->next("stats");
  }
  constexpr int kRequests = 300;
  double best_p99_ms = 1e9;
  // Another program on the machine may hold up one round, not three.
  for (int round = 0; round < 3 && best_p99_ms > 100; ++round) {
    std::vector<double> waits;
    for (int number = 0; number < kRequests; ++number) {
      const auto start = std::chrono::steady_clock::now();
      fixture.send("honest");
      waits.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(waits.begin(), waits.end());
    best_p99_ms = std::min(best_p99_ms, waits[kRequests * 99 / 100]);
  }
  MESSAGE("p99 of the honest client: " << best_p99_ms << " ms");
  CHECK(best_p99_ms < 100);
  for (const auto& watcher : watchers) CHECK(watcher->next("issue")["issue"]["title"] == "honest");
}

TEST_CASE("a collector ends at once with streams open, and they end with it") {
  Fixture fixture;
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int number = 0; number < 5; ++number) {
    watchers.push_back(std::make_unique<Watcher>(fixture.collector.port(), fixture.collector.token()));
    watchers.back()->next("stats");
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(fixture.collector.end(SIGTERM) == 0);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  for (const auto& watcher : watchers) CHECK(watcher->reads_to_end());
}

TEST_CASE("streams end at once when the collector does, also when it waits for a locked database") {
  Fixture fixture;
  Watcher watcher(fixture.collector.port(), fixture.collector.token());
  watcher.next("stats");
  trapline::tests::Database other(fixture.folder.path("data/trapline.db"));
  other.run("BEGIN IMMEDIATE; UPDATE project SET name = name;");
  fixture.send("held up");
  CHECK(watcher.next("stats")["accepted"] == 1);
  fixture.collector.send_signal(SIGTERM);
  CHECK(watcher.reads_to_end());
  CHECK(fixture.collector.is_running());
  other.run("COMMIT");
  CHECK(fixture.collector.end(SIGTERM) == 0);
}
