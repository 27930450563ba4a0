/// The limit of bytes with the real program: it holds while events come in faster than old ones can go.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "tests/integration/kill_load.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLimit = 40'000'000;
constexpr int kEvents = 22'000;

/// Fifty events of seven kinds, of about 1,500 bytes each when they are stored.
std::string large_batch(int first) {
  json batch = json::array();
  std::mt19937 random(static_cast<std::mt19937::result_type>(first));
  for (int number = first; number < first + 50; ++number) {
    std::string filler;
    for (int letter = 0; letter < 2'400; ++letter) filler += static_cast<char>('a' + random() % 26);
    batch.push_back({{"event_id", trapline::tests::event_id(number)},
                     {"message", "kind " + std::string(1, static_cast<char>('a' + number % 7))},
                     {"extra", {{"filler", filler}}}});
  }
  return batch.dump();
}

/// As the collector measures it, with what stands in the logs yet.
std::int64_t bytes_told(const CollectorProcess& collector) {
  const auto metrics = collector.client()->Get("/metrics");
  REQUIRE(metrics);
  const std::string name = "\ntrapline_database_bytes ";
  return std::stoll(metrics->body.substr(metrics->body.find(name) + name.size()));
}

/// Of the files of the database and its days.
std::int64_t bytes_of_database(const std::string& data) {
  std::int64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator(data, gone)) {
    const std::uintmax_t size = entry.path().extension() == ".db" ? entry.file_size(gone) : 0;
    if (!gone) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

}  // namespace

TEST_CASE("the limit of bytes holds while events come in at full speed, and each of them is counted") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("data"), {"--max-database-bytes", std::to_string(kLimit)});
  const std::string key = collector.key();
  std::int64_t most = 0;
  const auto client = collector.client();
  for (int number = 0; number < kEvents; number += 50) {
    const auto answer =
        client->Post("/v1/events", {{"Authorization", "Trapline " + key}}, large_batch(number), "application/json");
    REQUIRE(answer);
    REQUIRE_MESSAGE(answer->status == 202, answer->body);
    most = std::max({most, bytes_of_database(folder.path("data")), bytes_told(collector)});
  }
  const std::string later = R"({"event_id":"00000000000000000000000000ffffff","message":"another kind"})";
  REQUIRE(client->Post("/v1/events", {{"Authorization", "Trapline " + key}}, later, "application/json"));
  collector.wait_until_digested();
  most = std::max(most, bytes_of_database(folder.path("data")));
  CHECK(most > kLimit * 9 / 10);
  CHECK(most <= kLimit * 105 / 100);
  std::int64_t counted = 0;
  std::int64_t kept = 0;
  const json issues = collector.get("/issues");
  for (const json& issue : issues.at("items")) {
    counted += issue.at("count").get<std::int64_t>();
    kept += issue.at("stored_count").get<std::int64_t>();
    CHECK(issue.at("stored_count").get<std::int64_t>() > 0);
  }
  CHECK(counted == kEvents + 1);
  CHECK(kept < kEvents);
}
