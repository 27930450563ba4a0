/// The cold archive through the real program: old days go into a bucket, or a folder, and come back.

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/archive/day_manifest.h"
#include "collector/storage/open_store.h"
#include "collector/storage/time_span.h"
#include "sdk/core/clock.h"
#include "tests/integration/collector_process.h"
#include "tests/integration/small_disk.h"
#include "tests/support/bucket_server.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using trapline::tests::BucketServer;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::SmallDisk;
using trapline::tests::TemporaryFolder;

namespace {

constexpr std::chrono::seconds kDeadline{60};
constexpr int kEvents = 300;

template <class Condition>
void wait_until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!condition()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // polling, until the deadline
  }
}

std::int64_t old_day() { return trapline::core::system_clock().unix_millis() / kDayMs - 100; }

/// A collector's data with events that should have gone ten days ago.
void make_old_data(const std::string& data) {
  std::filesystem::create_directory(data);
  const auto store = open_store("sqlite:" + data + "/trapline.db").value();
  REQUIRE(store->create_project("shop", std::string(32, 'a')));
  std::vector<DigestedEvent> events;
  for (int number = 0; number < kEvents; ++number) {
    DigestedEvent& event = events.emplace_back();
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number);
    event.received_at = old_day() * kDayMs + number * 1'000;
    event.timestamp = event.received_at;
    event.fingerprint = "f";
    event.title = "Old";
    event.payload =
        R"({"number":)" + std::to_string(number) + R"(,"user":{"id":")" + std::to_string(number % 3) + R"("}})";
  }
  REQUIRE(store->append(events));
}

std::size_t events_shown(CollectorProcess& collector) {
  std::size_t count = 0;
  std::string cursor;
  do {
    const auto page = collector.get("/events?limit=100" + (cursor.empty() ? "" : "&cursor=" + cursor));
    count += page.at("items").size();
    cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor").get<std::string>();
  } while (!cursor.empty());
  return count;
}

double metric(const CollectorProcess& collector, const std::string& name) {
  const std::string text = collector.client()->Get("/metrics")->body;
  const std::size_t at = text.find("\n" + name + " ");
  REQUIRE_MESSAGE(at != std::string::npos, name);
  return std::stod(text.substr(at + name.size() + 2));
}

/// The environment of collectors that are started from now on.
void give_key(std::string_view secret) {
  setenv("AWS_ACCESS_KEY_ID", std::string(BucketServer::kAccessKey).c_str(), 1);
  setenv("AWS_SECRET_ACCESS_KEY", std::string(secret).c_str(), 1);
}

std::vector<std::string> bucket_options(const BucketServer& server) {
  return {"--archive",       "s3://cold/trapline", "--archive-endpoint",
          server.endpoint(), "--archive-region",   std::string(BucketServer::kRegion)};
}

std::vector<std::string> with(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

}  // namespace

TEST_CASE("an old day goes into a bucket, whatever is killed, and comes back while the collector runs") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  make_old_data(data);
  give_key(BucketServer::kSecretKey);
  BucketServer server;
  const auto options = bucket_options(server);
  const std::string day = day_text(old_day());
  {
    server.hold_puts(true);
    CollectorProcess collector(data, options);
    wait_until([&] { return server.puts_held() > 0; });
    CHECK(events_shown(collector) == kEvents);
    CHECK(metric(collector, "trapline_archive_at_work") == 1);
    CHECK(metric(collector, "trapline_archive_day_events") == kEvents);
    collector.end(SIGKILL);
    server.hold_puts(false);
  }
  CollectorProcess collector(data, options);
  wait_until([&] { return events_shown(collector) == 0; });
  CHECK(metric(collector, "trapline_archive_days_total") == 1);
  CHECK(metric(collector, "trapline_archive_events_total") == kEvents);
  CHECK(metric(collector, "trapline_archive_failing") == 0);
  const auto objects = server.objects();
  CHECK(objects.contains("trapline/events/" + day + "/manifest.json"));
  CHECK(server.wrong_signatures() == 0);

  const auto listed = run_collector(with({"archive", "list"}, options));
  CHECK(listed.exit_status == 0);
  CHECK(listed.output.find(day + "  300 events") != std::string::npos);
  CHECK(listed.output.find("shop: 300") != std::string::npos);

  const auto restored = run_collector(with({"restore", "--day", day, "--data", data}, options));
  CHECK_MESSAGE(restored.exit_status == 0, restored.output);
  CHECK(restored.output.find(day + ": 300 events are back") != std::string::npos);
  CHECK(events_shown(collector) == kEvents);
  const auto again = run_collector(with({"restore", "--day", day, "--data", data}, options));
  CHECK(again.output.find("0 events are back, 300 were there") != std::string::npos);
  const auto checked = run_collector({"check", "--deep", "--data", data});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
  CHECK(events_shown(collector) == kEvents);
}

TEST_CASE("while the archive is full old days stay, and they go when there is room") {
  const TemporaryFolder folder;
  const SmallDisk disk(folder.path("cold"), std::uint64_t{1} << 20);
  if (!disk.is_mounted()) return;
  const std::string data = folder.path("data");
  make_old_data(data);
  disk.fill();
  {
    CollectorProcess collector(data, {"--archive", disk.folder()});
    wait_until([&] { return metric(collector, "trapline_archive_failures_total") > 0; });
    CHECK(metric(collector, "trapline_archive_failing") == 1);
    CHECK(events_shown(collector) == kEvents);
    CHECK(collector.client()->Get("/readyz")->status == 200);
  }
  disk.make_room();
  CollectorProcess collector(data, {"--archive", disk.folder()});
  wait_until([&] { return events_shown(collector) == 0; });
  CHECK(metric(collector, "trapline_archive_days_total") == 1);
  CHECK(run_collector({"archive", "list", "--archive", disk.folder()}).output.find("300 events") != std::string::npos);
}

TEST_CASE("a wrong key keeps old days where they are, and is told without being shown") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  make_old_data(data);
  give_key("not-the-secret");
  const BucketServer server;
  CollectorProcess collector(data, bucket_options(server));
  wait_until([&] { return metric(collector, "trapline_archive_failures_total") > 0; });
  CHECK(events_shown(collector) == kEvents);
  const auto listed = run_collector(with({"archive", "list"}, bucket_options(server)));
  CHECK(listed.exit_status == 1);
  CHECK(listed.output.find("AWS_SECRET_ACCESS_KEY") != std::string::npos);
  CHECK(listed.output.find("not-the-secret") == std::string::npos);
}

TEST_CASE("what is wrong on the command line of an archive is told") {
  const TemporaryFolder folder;
  const auto output_of = [&](const std::vector<std::string>& arguments) {
    const auto run = run_collector(arguments);
    CHECK(run.exit_status == 1);
    return run.output;
  };
  CHECK(output_of({"archive", "list"}).find("no archive was named") != std::string::npos);
  CHECK(output_of({"archive", "list", "--archive", folder.path("none")}).find("there is no folder") !=
        std::string::npos);
  CHECK(output_of({"restore", "--data", folder.path("data")}).find("--day") != std::string::npos);
  const std::string cold = folder.path("");
  CHECK(output_of({"restore", "--archive", cold, "--day", "2026-02-30"}).find("2026-02-30") != std::string::npos);
  CHECK(output_of({"restore", "--archive", cold, "--day", "2026-01-02", "--to", "2026-01-01"}).find("before") !=
        std::string::npos);
  CHECK(output_of({"restore", "--archive", cold, "--day", "2026-01-02", "--data", folder.path("data")})
            .find("has no events of 2026-01-02") != std::string::npos);
  CHECK(output_of({"serve", "--archive", "gs://x", "--data", folder.path("data"), "--listen", "127.0.0.1:0"})
            .find("--archive takes") != std::string::npos);
}

TEST_CASE(
    "what the archive has of a user is exported and erased with the rest, by the commands and at the API's wish") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  const std::string cold = folder.path("cold");
  make_old_data(data);
  std::filesystem::create_directory(cold);
  CollectorProcess collector(data, {"--archive", cold});
  wait_until([&] { return metric(collector, "trapline_archive_days_total") >= 1 && events_shown(collector) == 0; });
  const auto run = [&](std::vector<std::string> arguments) {
    return run_collector(with(std::move(arguments), {"--data", data, "--archive", cold}));
  };
  const auto exported = run({"export", "user", "--user", "id:0"});
  REQUIRE_MESSAGE(exported.exit_status == 0, exported.output);
  const auto archived_lines = [](const std::string& text) {
    const std::string kind = R"({"kind":"archived_event")";
    std::size_t lines = 0;
    for (std::size_t at = text.find(kind); at != std::string::npos; at = text.find(kind, at + 1)) ++lines;
    return lines;
  };
  CHECK(archived_lines(exported.output) == kEvents / 3);
  const auto purged = run({"purge", "--user", "id:0", "--yes", "--report", folder.path("report.json")});
  REQUIRE_MESSAGE(purged.exit_status == 0, purged.output);
  CHECK_MESSAGE(purged.output.find("100 archived events") != std::string::npos, purged.output);
  CHECK(run({"export", "user", "--user", "id:0"}).output.find("archived_event") == std::string::npos);

  const auto token = run_collector({"token", "create", "--name", "dpo", "--scope", "admin", "--data", data});
  const std::string secret = token.output.substr(0, token.output.find('\n'));
  collector.use_token(secret);
  const auto post = [&](const char* path) {
    return collector.client()->Post(path, {{"Authorization", "Bearer " + secret}}, R"({"user":["id:1"]})",
                                    "application/json");
  };
  const auto told = post("/api/v1/users/export");
  REQUIRE(told);
  CHECK(archived_lines(told->body) == kEvents / 3);
  const auto begun = post("/api/v1/users/purges");
  REQUIRE(begun);
  REQUIRE_MESSAGE(begun->status == 202, begun->body);
  const std::string path = "/users/purges/" + nlohmann::json::parse(begun->body)["id"].get<std::string>();
  nlohmann::json purge;
  wait_until([&] { return (purge = collector.get(path))["state"] != "running"; });
  CHECK_MESSAGE(purge["counts"]["archived_events"] == kEvents / 3, purge.dump());

  const std::string day = day_text(old_day());
  CHECK(run_collector({"restore", "--day", day, "--archive", cold, "--data", data}).exit_status == 0);
  CHECK(events_shown(collector) == kEvents / 3);
  const auto unreachable =
      run_collector({"purge", "--user", "id:2", "--yes", "--data", data, "--archive", folder.path("nowhere")});
  CHECK(unreachable.exit_status == 1);
  CHECK_MESSAGE(unreachable.output.find("not looked at: the archive") != std::string::npos, unreachable.output);
}
