/// Purges and exports of one user by the real program, beside a collector that goes on taking events in.

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Finished;
using trapline::tests::run_collector;
using trapline::tests::run_collector_for;
using trapline::tests::TemporaryFolder;

namespace {

constexpr int kRightsEvents = 3'000;
constexpr int kRightsBatch = 500;

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

struct Fixture {
  TemporaryFolder folder;
  std::string data = folder.path("data");
  CollectorProcess collector{data};

  /// Every third event is Ada's.
  void send(int from, int to) const {
    const auto client = collector.client();
    for (int first = from; first < to; first += kRightsBatch) {
      std::string body;
      for (int number = first; number < std::min(to, first + kRightsBatch); ++number) {
        const bool is_adas = number % 3 == 0;
        const json user = is_adas ? json{{"id", 42}, {"email", "ada@example.com"}} : json{{"id", number}};
        body += json{{"message", (is_adas ? "kumquat " : "apple ") + std::to_string(number)},
                     {"fingerprint", {"f" + std::to_string(number % 40)}},
                     {"user", user}}
                    .dump() +
                "\n";
      }
      const auto reply =
          client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, body, "application/x-ndjson");
      REQUIRE(reply);
      REQUIRE_MESSAGE(reply->status == 202, reply->body);
    }
  }
  [[nodiscard]] Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data", data});
    return run_collector(arguments);
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    std::ifstream stream(folder.path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  std::size_t found(const std::string& query) {
    return collector.get("/issues?limit=100&query=" + query)["items"].size();
  }
};

}  // namespace

TEST_CASE(
    "purge erases a user beside a running collector, also after kills in between, and its report can be checked") {
  Fixture fixture;
  fixture.send(0, kRightsEvents);
  fixture.collector.wait_until_digested();
  CHECK(fixture.found("user.id:42") == 40);

  const Finished exported =
      fixture.run({"export", "user", "--user", "id:42", "--output", fixture.folder.path("ada.ndjson")});
  REQUIRE_MESSAGE(exported.exit_status == 0, exported.output);
  CHECK(count_of(fixture.file("ada.ndjson"), R"("kind":"event")") == kRightsEvents / 3);

  CHECK(fixture.run({"purge", "--user", "ada"}).exit_status == 1);
  const Finished unconfirmed = fixture.run({"purge", "--user", "id:42"});
  CHECK(unconfirmed.exit_status == 1);
  CHECK(unconfirmed.output.find("--yes") != std::string::npos);
  const Finished dry = fixture.run({"purge", "--user", "id:42", "--dry-run"});
  CHECK(dry.exit_status == 0);
  CHECK(dry.output.find("default: 1000 events of 40 issues") != std::string::npos);

  // Others go on meanwhile.
  std::thread sender([&] { fixture.send(kRightsEvents + 1, kRightsEvents + 2); });
  for (const int milliseconds : {60, 120, 200}) {
    run_collector_for(std::chrono::milliseconds(milliseconds),
                      {"purge", "--user", "id:42", "--yes", "--data", fixture.data});
  }
  const std::string report = fixture.folder.path("report.json");
  const Finished purged = fixture.run({"purge", "--user", "id:42", "--yes", "--report", report});
  sender.join();
  REQUIRE_MESSAGE(purged.exit_status == 0, purged.output);
  fixture.collector.wait_until_digested();
  CHECK(fixture.found("user.id:42") == 0);
  CHECK(fixture.found("kumquat") == 0);
  CHECK(fixture.found("apple") == 40);
  const Finished left = fixture.run({"export", "events"});
  CHECK(count_of(left.output, "\n") == kRightsEvents - kRightsEvents / 3 + 1);
  const Finished none = fixture.run({"export", "user", "--user", "id:42"});
  CHECK(none.output.empty());

  const Finished key = fixture.run({"report-key"});
  REQUIRE(key.exit_status == 0);
  const std::string public_key = key.output.substr(0, 64);
  CHECK(run_collector({"verify-report", report, "--public-key", public_key}).exit_status == 0);
  CHECK(fixture.run({"verify-report", report, "--user", "id:42"}).exit_status == 0);
  CHECK(fixture.run({"verify-report", report, "--user", "id:7"}).exit_status == 1);
  std::string changed = fixture.file("report.json");
  CHECK(changed.find("ada@example.com") == std::string::npos);
  changed.replace(changed.find("\"version\": 1"), 12, "\"version\": 2");
  std::ofstream(fixture.folder.path("changed.json")) << changed;
  const Finished forged =
      run_collector({"verify-report", fixture.folder.path("changed.json"), "--public-key", public_key});
  CHECK(forged.exit_status == 1);
  CHECK(forged.output.find("not what was signed") != std::string::npos);

  const Finished checked = fixture.run({"check", "--deep"});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
}

TEST_CASE("a collector purges at the API's wish, and says so when it is asked again") {
  Fixture fixture;
  fixture.send(0, kRightsBatch);
  fixture.collector.wait_until_digested();
  const Finished token = fixture.run({"token", "create", "--name", "dpo", "--scope", "admin"});
  REQUIRE(token.exit_status == 0);
  fixture.collector.use_token(token.output.substr(0, token.output.find('\n')));
  const auto client = fixture.collector.client();
  const httplib::Headers headers = {{"Authorization", "Bearer " + token.output.substr(0, token.output.find('\n'))}};
  const auto begun = client->Post("/api/v1/users/purges", headers, R"({"user":["id:42"]})", "application/json");
  REQUIRE(begun);
  REQUIRE_MESSAGE(begun->status == 202, begun->body);
  const std::string path = "/users/purges/" + json::parse(begun->body)["id"].get<std::string>();
  json purge;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    purge = fixture.collector.get(path);
  } while (purge["state"] == "running");
  REQUIRE_MESSAGE(purge["state"] == "done", purge.dump());
  CHECK(purge["counts"]["events"] == (kRightsBatch + 2) / 3);
  CHECK(fixture.found("kumquat") == 0);
}
