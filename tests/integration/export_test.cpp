/// Exports of a real collector, by its API and by the command beside it.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "tests/integration/collector_process.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"

namespace fs = std::filesystem;
using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::Finished;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

constexpr int kBatches = 4;
constexpr int kBatchEvents = 750;
constexpr int kIssues = 150;

std::vector<json> parse_ndjson(const std::string& text) {
  std::vector<json> lines;
  REQUIRE(text.ends_with('\n'));
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1) {
    lines.push_back(json::parse(text.substr(start, text.find('\n', start) - start)));
  }
  return lines;
}

/// As RFC 4180 has it, without leniency.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t at = 0; at < text.size();) {
    std::vector<std::string> row;
    while (true) {
      std::string cell;
      if (text[at] == '"') {
        for (++at; text[at] != '"' || text[at + 1] == '"'; ++at) {
          if (text[at] == '"') ++at;
          cell += text[at];
        }
        ++at;
      } else {
        const std::size_t end = text.find_first_of(",\r", at);
        cell = text.substr(at, end - at);
        at = end;
      }
      row.push_back(std::move(cell));
      if (text[at] != ',') break;
      ++at;
    }
    REQUIRE(text.substr(at, 2) == "\r\n");
    at += 2;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string message_of(int number) {
  return "=größer than \"" + std::to_string(number) + "\", a\n💥 line " + std::string(400, 'x');
}

struct Fixture {
  TemporaryFolder folder;
  CollectorProcess collector{folder.path("data")};
  std::unique_ptr<httplib::Client> client = collector.client();

  Fixture() {
    for (int batch = 0; batch < kBatches; ++batch) {
      std::string body;
      for (int number = batch * kBatchEvents; number < (batch + 1) * kBatchEvents; ++number) {
        const json event = {{"message", message_of(number)},
                            {"fingerprint", {"f" + std::to_string(number % kIssues)}},
                            {"level", number % 3 == 0 ? "warning" : "error"},
                            {"release", "shop@" + std::to_string(number % 2)}};
        body += event.dump() + "\n";
      }
      const auto answer =
          client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, body, "application/x-ndjson");
      REQUIRE(answer);
      REQUIRE(answer->status == 202);
    }
    collector.wait_until_digested();
  }
  Finished command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "export");
    arguments.insert(arguments.end(), {"--data", folder.path("data")});
    return run_collector(arguments);
  }
  std::string download(const std::string& path) {
    const auto answer = client->Get("/api/v1" + path, {{"Authorization", "Bearer " + collector.token()}});
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->get_header_value("Content-Disposition").starts_with("attachment; filename=\"trapline-"));
    return answer->body;
  }
};

}  // namespace

TEST_CASE("thousands of events and their issues come out whole, by the API and by the command, in both formats") {
  Fixture fixture;
  constexpr std::size_t kEvents = kBatches * kBatchEvents;
  const std::string by_api = fixture.download("/events/export");
  const std::vector<json> events = parse_ndjson(by_api);
  CHECK(events.size() == kEvents);
  std::set<std::string> messages;
  for (const json& event : events) messages.insert(event["payload"].value("message", ""));
  CHECK(messages.size() == kEvents);
  CHECK(messages.contains(message_of(17)));
  CHECK(fixture.command({"events"}).output == by_api);

  const std::string file = fixture.folder.path("events.csv");
  const Finished to_file = fixture.command({"events", "--format", "csv", "--output", file});
  CHECK(to_file.exit_status == 0);
  CHECK(to_file.output.empty());
  CHECK_FALSE(fs::exists(file + ".part"));
  CHECK(read_file(file) == fixture.download("/events/export?format=csv"));
  const auto rows = parse_csv(read_file(file));
  REQUIRE(rows.size() == kEvents + 1);
  for (std::size_t index = 0; index < kEvents; ++index) {
    REQUIRE(rows[index + 1].size() == rows[0].size());
    CHECK(rows[index + 1][0] == events[index]["event_id"]);
    CHECK(rows[index + 1][3] == events[index]["issue_id"]);
    CHECK(rows[index + 1][9] == "'" + events[index]["value"].get<std::string>());
  }

  const auto issues = parse_ndjson(fixture.download("/issues/export"));
  CHECK(issues.size() == kIssues);
  CHECK(fixture.command({"issues", "--format", "csv"}).output == fixture.download("/issues/export?format=csv"));
  CHECK(parse_csv(fixture.download("/issues/export?format=csv")).size() == kIssues + 1);
}

TEST_CASE("the command takes filters, says what is wrong with them, and makes no file then") {
  Fixture fixture;
  const auto count = [&](const std::vector<std::string>& arguments) {
    const Finished finished = fixture.command(arguments);
    CHECK_MESSAGE(finished.exit_status == 0, finished.output);
    return std::count(finished.output.begin(), finished.output.end(), '\n');
  };
  CHECK(count({"events", "--project", "default", "--level", "warning"}) == 1'000);
  CHECK(count({"events", "--release", "shop@1"}) == 1'500);
  CHECK(count({"events", "--issue", "1"}) == kBatches * kBatchEvents / kIssues);
  CHECK(count({"events", "--query", "times_seen:>1", "--from", "2020-01-01"}) == kBatches * kBatchEvents);
  CHECK(count({"issues", "--query", "times_seen:>1000"}) == 0);
  CHECK(count({"issues", "--to", "2020-01-01T00:00:00Z"}) == 0);
  const std::string file = fixture.folder.path("none");
  struct Wrong {
    std::string option;
    std::string value;
    std::string said;
  };
  for (const Wrong& wrong : std::vector<Wrong>{{"--project", "nowhere", "'nowhere'"},
                                               {"--format", "xml", "'xml'"},
                                               {"--from", "yesterday", "'yesterday'"},
                                               {"--level", "loud", "'loud'"},
                                               {"--status", "gone", "'gone'"},
                                               {"--query", "level:loud", "column 7"}}) {
    const std::vector<std::string> arguments = {"events", "--output", file, wrong.option, wrong.value};
    const Finished refused = fixture.command(arguments);
    CAPTURE(refused.output);
    CHECK(refused.exit_status == 1);
    CHECK(refused.output.find(wrong.said) != std::string::npos);
    CHECK_FALSE(fs::exists(file));
    CHECK_FALSE(fs::exists(file + ".part"));
  }
  CHECK(fixture.command({"events", "--output", fixture.folder.path("no/such/folder")}).exit_status == 1);
}

TEST_CASE("an export that cannot read a damaged day says so and fails, and so do a purge and a move") {
  Fixture fixture;
  CHECK(fixture.collector.end(SIGTERM) == 0);
  const std::string database = fixture.folder.path("data/trapline.db");
  for (const auto& entry : fs::directory_iterator(database + ".days")) {
    std::fstream file(entry.path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(0, std::ios::end);
    const auto size = static_cast<std::int64_t>(file.tellp());
    file.seekp(20 * 4'096);
    for (std::int64_t byte = 20 * 4'096; byte < size; ++byte) file.put('\x5a');
  }
  const std::string file = fixture.folder.path("all.ndjson");
  const Finished exported = fixture.command({"events", "--output", file});
  CHECK(exported.exit_status == 1);
  CHECK_MESSAGE(exported.output.find("are left out") != std::string::npos, exported.output);
  CHECK(fs::exists(file));
  const std::string data = fixture.folder.path("data");
  const Finished purged = run_collector({"purge", "--user", "id:1", "--yes", "--data", data});
  CHECK(purged.exit_status == 1);
  CHECK_MESSAGE(purged.output.find("not looked at") != std::string::npos, purged.output);
  const Finished moved = run_collector({"migrate-store", "--from", "sqlite:" + database, "--to",
                                        "sqlite:" + fixture.folder.path("new.db"), "--data", data});
  CHECK(moved.exit_status == 1);
  CHECK_MESSAGE(moved.output.find("check --repair") != std::string::npos, moved.output);
}

TEST_CASE("an export into a pipe that has a name leaves the pipe, and one over a link leaves the link") {
  TemporaryFolder folder;
  const std::string data = folder.path("data");
  REQUIRE(run_collector({"project", "create", "shop", "--data", data}).exit_status == 0);
  const auto export_to = [&](const std::string& file) {
    return run_collector({"export", "issues", "--format", "csv", "--data", data, "--output", file}).exit_status;
  };
  const std::string pipe = folder.path("pipe");
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  std::string received;
  std::thread reader([&] { received = read_file(pipe); });
  CHECK(export_to(pipe) == 0);
  reader.join();
  CHECK(received.starts_with("id,project_id,"));
  CHECK(fs::is_fifo(pipe));
  CHECK_FALSE(fs::exists(pipe + ".part"));
  const std::string link = folder.path("link");
  std::ofstream(folder.path("old")) << "old";
  fs::create_symlink(folder.path("old"), link);
  CHECK(export_to(link) == 0);
  CHECK(fs::is_symlink(link));
  CHECK(read_file(folder.path("old")) == received);
}

TEST_CASE("a folder without a database is not exported as an empty one") {
  TemporaryFolder folder;
  const Finished refused = run_collector({"export", "events", "--data", folder.path("mistyped")});
  CHECK(refused.exit_status == 1);
  CHECK(refused.output.find("there is no database at " + folder.path("mistyped")) != std::string::npos);
  CHECK_FALSE(fs::exists(folder.path("mistyped")));
}

TEST_CASE("an export that its client reads slowly does not keep a collector from taking events in, nor from ending") {
  Fixture fixture;
  trapline::tests::SocketClient still(fixture.collector.port(),
                                      "GET /api/v1/events/export HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                                          fixture.collector.token() + "\r\n\r\n",
                                      4'096);
  CHECK(still.receives("chunked"));
  const auto taken = fixture.client->Post("/v1/events", {{"Authorization", "Trapline " + fixture.collector.key()}},
                                          R"({"message":"meanwhile"})", "application/json");
  REQUIRE(taken);
  CHECK(taken->status == 202);
  CHECK(fixture.collector.end(SIGTERM) == 0);
}
