/// Requests recorded from published clients (tests/corpus) go through the intake and the digest, and what is understood
/// of them is compared with what their clients meant (expected.json).

#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/digester.h"
#include "collector/digest/event_reader.h"
#include "collector/ingest/intake.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

const std::string kCorpus = std::string(TRAPLINE_SOURCE_DIR) + "/tests/corpus/";
const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE_MESSAGE(file, path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Recording {
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
};

Recording read_recording(const std::string& name) {
  Recording recording;
  std::istringstream head(read_file(kCorpus + name + ".http"));
  std::string method;
  head >> method >> recording.target;
  std::string line;
  std::getline(head, line);
  while (std::getline(head, line)) {
    if (line.ends_with('\r')) line.pop_back();
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string key = line.substr(0, colon);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const std::size_t start = line.find_first_not_of(' ', colon + 1);
    recording.headers[key] = start == std::string::npos ? "" : line.substr(start);
  }
  recording.body = read_file(kCorpus + name + ".body");
  return recording;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_null() ? "" : value.dump();
}

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  std::unique_ptr<Store> store = open_store("sqlite:" + folder.path("t.db")).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};

  Fixture() { REQUIRE(store->create_project("recorded", kKey)); }

  std::variant<IntakeReceipt, IntakeRefusal> send(const std::string& name) {
    Recording recording = read_recording(name);
    IntakeRequest request;
    // A tunnel posts to a path of the app's own, which passes the body on.
    request.door = recording.target.find("/store") != std::string::npos ? Door::kStore : Door::kEnvelope;
    request.path_project = "1";
    const std::size_t key = recording.target.find("sentry_key=");
    if (key != std::string::npos) request.query_key = std::string_view(recording.target).substr(key + 11, 32);
    request.x_sentry_auth = recording.headers["x-sentry-auth"];
    request.content_type = recording.headers["content-type"];
    request.content_encoding = recording.headers["content-encoding"];
    request.body = recording.body;
    return intake.take(request);
  }
};

void compare(const json& expected, const DigestedEvent& event) {
  const json& outermost = expected["outermost"];
  if (!outermost.is_null()) {
    CHECK(event.type == text_of(outermost["type"]));
    const bool is_message = text_of(outermost["type"]).empty() && !expected["message"].is_null();
    if (!is_message) CHECK(event.value == text_of(outermost["value"]));
  } else if (!expected["message"].is_null()) {
    const json& message = expected["message"];
    CHECK(event.value == text_of(message.is_object() ? message["formatted"] : message));
  }
  CHECK(event.platform == (expected["platform"].is_null() ? "other" : text_of(expected["platform"])));
  const auto level = parse_level(text_of(expected["level"]));
  CHECK(event.level == level.value_or(Level::kError));
  CHECK(event.release == text_of(expected["release"]));
  CHECK(event.environment == text_of(expected["environment"]));
  CHECK(event.server_name == text_of(expected["server_name"]));
  CHECK(event.transaction == text_of(expected["transaction"]));
  CHECK(event.tags.size() == expected["tags"].size());
  for (const auto& [key, value] : event.tags) CHECK(value == text_of(expected["tags"].value(key, json("missing"))));
  if (expected["timestamp"].is_number()) {
    CHECK(std::abs(static_cast<double>(event.timestamp) / 1000.0 - expected["timestamp"].get<double>()) < 0.002);
  }
}

}  // namespace

TEST_CASE("every recorded request is taken in, and every event of it understood as its client meant it") {
  Fixture fixture;
  const json expected = json::parse(read_file(kCorpus + "expected.json"));
  std::map<std::string, json> events;
  std::set<std::string> files;
  for (const json& item : expected) {
    files.insert(item["file"].get<std::string>());
    if (item["item"] == "event") events[item["event_id"].get<std::string>()] = item;
  }
  for (const std::string& file : files) {
    CAPTURE(file);
    const auto outcome = fixture.send(file);
    const auto* refusal = std::get_if<IntakeRefusal>(&outcome);
    CHECK_MESSAGE(refusal == nullptr, (refusal != nullptr ? refusal->message : ""));
  }
  // Read while they are still in the spool: the digest's own columns are what is compared.
  std::size_t compared = 0;
  while (fixture.spool->size() > 0) {
    const auto spooled = fixture.spool->wait_for_events(100);
    REQUIRE(spooled);
    for (const SpooledEvent& event : *spooled) {
      const auto found = events.find(event.event_id);
      if (found == events.end()) continue;
      CAPTURE(found->second["file"]);
      compare(found->second, read_event(event).record);
      ++compared;
    }
    REQUIRE(fixture.spool->release_through(spooled->back().sequence));
  }
  CHECK(compared == events.size());
  CHECK(compared > 80);
  CHECK(fixture.intake.counts().accepted_items > 100);
}

TEST_CASE("a recorded request that comes twice is one event, and its client is told success") {
  Fixture fixture;
  const std::string name = "sentry-node/exception-cause-chain-02";
  CHECK(std::get<IntakeReceipt>(fixture.send(name)).accepted == 1);
  const IntakeReceipt again = std::get<IntakeReceipt>(fixture.send(name));
  CHECK(again.accepted == 0);
  CHECK(again.duplicates == 1);
  CHECK(again.event_id == "cef7a94d351342b78b256dcb5e17a498");
}
