/// Live updates of a real collector.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

/// A client of GET /api/v1/stream.
class Watcher {
 public:
  Watcher(int port, const std::string& token, const std::string& query = "")
      : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const std::string request =
        "GET /api/v1/stream" + query + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n\r\n";
    REQUIRE(send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
  }
  ~Watcher() { close(socket_); }
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  bool read_until(const std::string& text) {
    char buffer[4096];
    while (read_.find(text, seen_) == std::string::npos) {
      const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      read_.append(buffer, static_cast<std::size_t>(count));
    }
    seen_ = read_.find(text, seen_) + text.size();
    return true;
  }
  json next(const std::string& event) {
    REQUIRE(read_until("event: " + event + "\ndata: "));
    const std::size_t start = seen_;
    REQUIRE(read_until("\n\n"));
    return json::parse(read_.substr(start, seen_ - start));
  }

 private:
  int socket_;
  std::string read_;
  std::size_t seen_ = 0;
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
  for (const auto& watcher : watchers) CHECK_FALSE(watcher->read_until("no such text"));
}
