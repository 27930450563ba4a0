/// Attachments with the real program: one file for the same bytes, gone with its project, and none lost or left by
/// kills.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/integration/database.h"
#include "tests/support/bucket_server.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::BucketServer;
using trapline::tests::CollectorProcess;
using trapline::tests::Database;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

/// 20,000 bytes that cannot be compressed to a few.
std::string content(int number) {
  std::string bytes;
  auto state = static_cast<std::uint32_t>(number) * 2'654'435'761U + 1;
  while (bytes.size() < 20'000) {
    state = state * 1'664'525U + 1'013'904'223U;
    bytes += static_cast<char>('0' + (state >> 27U));
  }
  return bytes;
}

std::string event_id(int number) {
  const std::string digits = std::to_string(number);
  return std::string(32 - digits.size(), '0') + digits;
}

/// An event with a file, as SDKs send it.
std::string envelope(int number, const std::string& bytes) {
  const std::string event = json{{"event_id", event_id(number)}, {"message", "m"}}.dump();
  return json{{"event_id", event_id(number)}}.dump() + "\n" + json{{"type", "event"}, {"length", event.size()}}.dump() +
         "\n" + event + "\n" + json{{"type", "attachment"}, {"length", bytes.size()}, {"filename", "f.bin"}}.dump() +
         "\n" + bytes + "\n";
}

/// Whether it was taken.
bool send(httplib::Client& client, const std::string& key, int number, const std::string& bytes) {
  const auto answer = client.Post("/api/1/envelope/?sentry_key=" + key, envelope(number, bytes), "text/plain");
  return answer && answer->status == 200;
}

std::size_t files_in(const std::string& folder) {
  if (!fs::exists(folder)) return 0;
  std::size_t count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    count += entry.is_regular_file() && entry.path().filename() != "lock" ? 1 : 0;
  }
  return count;
}

bool comes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace

TEST_CASE("the same file of two events is kept once, served for both, and gone with its project") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  const std::string files = data + "/trapline.db.files";
  CollectorProcess collector(data, {"--max-api-requests", "1000000"});
  const auto client = collector.client();
  for (int number = 1; number <= 2; ++number) REQUIRE(send(*client, collector.key(), number, content(1)));
  REQUIRE(send(*client, collector.key(), 3, content(2)));
  const auto attachments_of = [&](int number) {
    return collector.get("/events/1/" + event_id(number) + "/attachments")["items"];
  };
  for (int number = 1; number <= 3; ++number) {
    REQUIRE(comes_true([&] { return attachments_of(number).size() == 1; }));
    const auto served = client->Get(
        "/api/v1/events/1/" + event_id(number) + "/attachments/" + attachments_of(number)[0]["id"].get<std::string>(),
        {{"Authorization", "Bearer " + collector.token()}});
    REQUIRE(served);
    CHECK(served->body == content(number == 3 ? 2 : 1));
  }
  CHECK(files_in(files) == 2);
  std::string admin = run_collector({"token", "create", "--name", "a", "--scope", "admin", "--data", data}).output;
  while (admin.ends_with('\n')) admin.pop_back();
  const auto deleted = client->Delete("/api/v1/projects/1?confirm=default", {{"Authorization", "Bearer " + admin}});
  REQUIRE(deleted);
  CHECK(deleted->status == 204);
  CHECK(comes_true([&] { return files_in(files) == 0; }));
}

TEST_CASE("a collector that is killed while files come and go loses none that it acknowledged, and leaves none") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  std::string key;
  std::vector<int> acknowledged;
  std::atomic<int> count{0};
  int next = 1;
  for (int round = 0; round < 12; ++round) {
    CollectorProcess collector(data);
    if (round == 0) key = collector.key();
    const auto client = collector.client();
    const int before = count;
    std::thread sending([&] {
      for (; send(*client, key, next, content(next % 7)); ++count) acknowledged.push_back(next++);
      ++next;  // it may have been taken
    });
    CHECK(comes_true([&] { return count >= before + round / 2; }));
    std::this_thread::sleep_for(std::chrono::milliseconds(3 * round));  // the instant of the kill, not a wait
    collector.end(SIGKILL);
    sending.join();
    // Not after the last round, whose last file is waited for below.
    if (round % 3 == 1) Database(data + "/trapline.db").run("DELETE FROM attachment WHERE id % 2 = 0");
  }
  Database database(data + "/trapline.db");
  {
    CollectorProcess collector(data, {"--max-api-requests", "1000000"});
    collector.wait_until_digested();
    REQUIRE(comes_true([&] { return database.texts("SELECT 1 FROM released_file").empty(); }));
    const std::string last = event_id(acknowledged.back());
    REQUIRE(comes_true([&] { return !collector.get("/events/1/" + last + "/attachments")["items"].empty(); }));
  }
  MESSAGE(acknowledged.size() << " events with a file were acknowledged");
  CHECK(acknowledged.size() > 20);
  const auto checked = run_collector({"check", "--deep", "--data", data});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
  // Those with which kills met the moment between a file and its row wait for their time.
  const std::size_t named = database.texts("SELECT id FROM stored_file").size();
  CHECK(named <= 7);
  CHECK(files_in(data + "/trapline.db.files") <= named + 12);
}

TEST_CASE("of an encrypted store the files show nothing, it is not opened without its key, and keys are rotated") {
  const TemporaryFolder folder;
  const std::string data = folder.path("data");
  const std::string keys = folder.path("keys");
  const std::string marker = "Zq7#marker%Xw2";
  const auto make_key = [] { return run_collector({"encryption", "create-key"}).output; };
  const auto write_keys = [&](const std::string& text) {
    std::ofstream(keys) << text;
    fs::permissions(keys, fs::perms::owner_read | fs::perms::owner_write);
  };
  const auto shows_marker = [&](const fs::path& place) {
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
      if (!entry.is_regular_file() || entry.path().parent_path().filename() == "spool") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      if (std::string(std::istreambuf_iterator<char>(file), {}).find(marker) != std::string::npos) return true;
    }
    return false;
  };
  const std::vector<std::string> with_keys = {"--encryption-key-file", keys};
  const std::string old_key = make_key();
  write_keys(old_key);
  const auto make_token = [&] {
    std::string token =
        run_collector({"token", "create", "--name", "t", "--data", data, "--encryption-key-file", keys}).output;
    while (token.ends_with('\n')) token.pop_back();
    return token;
  };
  const auto payload_of = [](CollectorProcess& collector, int number) {
    return collector.get("/events/1/" + event_id(number))["payload"].dump();
  };
  {
    CollectorProcess collector(data, with_keys);
    const auto client = collector.client();
    const std::string event = json{{"event_id", event_id(1)}, {"message", "m"}, {"extra", {{"note", marker}}}}.dump();
    const auto taken = client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, "[" + event + "]",
                                    "application/json");
    REQUIRE(taken);
    CHECK(taken->status == 202);
    REQUIRE(send(*client, collector.key(), 2, marker + content(1)));
    collector.use_token(make_token());
    collector.wait_for_events(2);
    REQUIRE(comes_true([&] { return files_in(data + "/trapline.db.files") == 1; }));
    CHECK_FALSE(shows_marker(data));
    collector.end(SIGTERM);
  }
  CHECK_FALSE(shows_marker(data));
  const auto refused = run_collector({"serve", "--data", data, "--listen", "127.0.0.1:0"});
  CHECK(refused.exit_status == 1);
  CHECK_MESSAGE(refused.output.find("encryption key") != std::string::npos, refused.output);

  write_keys(make_key() + old_key);
  const auto rotated = run_collector({"encryption", "rotate", "--data", data, "--encryption-key-file", keys});
  CHECK_MESSAGE(rotated.exit_status == 0, rotated.output);
  CHECK(rotated.output.find("needed no more") != std::string::npos);
  std::ifstream file(keys);
  std::string new_key;
  std::getline(file, new_key);
  write_keys(new_key);
  CollectorProcess collector(data, {"--encryption-key-file", keys});
  REQUIRE_FALSE(run_collector({"token", "create", "--name", "t", "--data", data}).exit_status == 0);
  collector.use_token(make_token());
  CHECK(payload_of(collector, 1).find(marker) != std::string::npos);
  const json files = collector.get("/events/1/" + event_id(2) + "/attachments")["items"];
  REQUIRE(files.size() == 1);
  const auto served =
      collector.client()->Get("/api/v1/events/1/" + event_id(2) + "/attachments/" + files[0]["id"].get<std::string>(),
                              {{"Authorization", "Bearer " + collector.token()}});
  REQUIRE(served);
  CHECK(served->body == marker + content(1));
  fs::permissions(keys, fs::perms::others_read, fs::perm_options::add);
  const auto checked = run_collector({"check", "--deep", "--data", data, "--encryption-key-file", keys});
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
  CHECK(checked.output.find("sealed with the key") != std::string::npos);
  CHECK(checked.output.find("chmod 600") != std::string::npos);
}

TEST_CASE("files go into a bucket, also when it is away for a moment and the collector is killed") {
  const TemporaryFolder folder;
  setenv("AWS_ACCESS_KEY_ID", std::string(BucketServer::kAccessKey).c_str(), 1);
  setenv("AWS_SECRET_ACCESS_KEY", std::string(BucketServer::kSecretKey).c_str(), 1);
  BucketServer server;
  const std::vector<std::string> options = {"--files",          "s3://cold/files-of-shop",
                                            "--files-endpoint", server.endpoint(),
                                            "--files-region",   std::string(BucketServer::kRegion)};
  const std::string data = folder.path("data");
  std::string key;
  {
    CollectorProcess collector(data, options);
    const auto client = collector.client();
    key = collector.key();
    CHECK(send(*client, key, 1, content(1)));
    CHECK(comes_true([&] { return server.objects().size() == 1; }));
    server.hold_puts(true);
    CHECK(send(*client, key, 2, content(2)));
    CHECK(send(*client, key, 3, content(1)));
    CHECK(comes_true([&] { return server.puts_held() > 0; }));
    collector.end(SIGKILL);
    server.hold_puts(false);
  }
  CollectorProcess collector(data, options);
  const auto client = collector.client();
  for (const int number : {1, 2, 3}) {
    const std::string files = "/events/1/" + event_id(number) + "/attachments";
    REQUIRE(comes_true([&] { return collector.get(files)["items"].size() == 1; }));
    const auto served = client->Get("/api/v1" + files + "/" + collector.get(files)["items"][0]["id"].get<std::string>(),
                                    {{"Authorization", "Bearer " + collector.token()}});
    REQUIRE(served);
    CHECK(served->body == content(number == 3 ? 1 : number));
  }
  CHECK(server.objects().size() == 2);
  CHECK(server.wrong_signatures() == 0);
  // A bucket that does not answer holds up the end for some seconds only, and what was taken waits.
  server.hold_puts(true);
  const int held = server.puts_held();
  CHECK(send(*client, key, 4, content(4)));
  CHECK(comes_true([&] { return server.puts_held() > held; }));
  const auto ending = std::chrono::steady_clock::now();
  CHECK(collector.end(SIGTERM) == 0);
  CHECK(std::chrono::steady_clock::now() - ending < std::chrono::seconds(30));
  server.hold_puts(false);
  {
    CollectorProcess again(data, options);
    CHECK(comes_true([&] { return server.objects().size() == 3; }));
    const json files = again.get("/events/1/" + event_id(4) + "/attachments");
    CHECK(files["items"].size() == 1);
  }
  std::vector<std::string> check = {"check", "--deep", "--data", data};
  check.insert(check.end(), options.begin(), options.end());
  const auto checked = run_collector(check);
  CHECK_MESSAGE(checked.exit_status == 0, checked.output);
}
