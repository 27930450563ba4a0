/// Release health, from the sessions that a client sends to what the API shows.

#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::TemporaryFolder;

namespace {

void send_session(const CollectorProcess& collector, int number, const std::string& release,
                  const std::string& status) {
  std::string sid = std::to_string(number);
  sid.insert(0, 32 - sid.size(), '0');
  const json session = {{"sid", sid},
                        {"did", "user " + std::to_string(number % 2)},
                        {"init", true},
                        {"status", status},
                        {"attrs", {{"release", release}, {"environment", "prod"}}}};
  const auto answer = collector.client()->Post("/api/1/envelope/?sentry_key=" + collector.key(),
                                               "{}\n{\"type\":\"session\"}\n" + session.dump() + "\n", "text/plain");
  REQUIRE(answer);
  CHECK_MESSAGE(answer->status == 200, answer->body);
}

}  // namespace

TEST_CASE("sessions become crash-free shares and adoption of their releases") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("data"));
  for (int number = 1; number <= 6; ++number)
    send_session(collector, number, "shop@1.0", number == 1 ? "crashed" : "ok");
  for (int number = 7; number <= 8; ++number) send_session(collector, number, "shop@1.1", "exited");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  json releases = collector.get("/projects/1/release-health?environment=prod")["items"];
  while (releases.size() < 2 || releases[1]["sessions"] != 2) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));  // polling, until the deadline
    releases = collector.get("/projects/1/release-health?environment=prod")["items"];
  }
  CHECK(releases[0]["release"] == "shop@1.0");
  CHECK(releases[0]["crash_free_sessions"].get<double>() == doctest::Approx(5.0 / 6));
  CHECK(releases[0]["crash_free_users"] == 0.5);
  CHECK(releases[0]["session_adoption"] == 0.75);
  CHECK(releases[1]["crash_free_sessions"] == 1.0);
  CHECK(releases[1]["user_adoption"] == 0.5);
  const json hours = collector.get("/projects/1/release-health/hours?release=shop@1.1")["hours"];
  REQUIRE(hours.size() == 1);
  CHECK(hours[0]["sessions"] == 2);
  CHECK(collector.get("/projects/1/release-health?environment=test")["items"].empty());
}
