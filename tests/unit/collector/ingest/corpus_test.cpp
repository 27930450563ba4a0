/// Requests recorded from published clients (tests/corpus) go through the intake and the digest, and what is understood
/// of them is compared with what their clients meant (expected.json).

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/digester.h"
#include "collector/digest/event_reader.h"
#include "collector/ingest/intake.h"
#include "collector/ingest/item_writer.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

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
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};

  Fixture() { REQUIRE(store->create_project("recorded", kKey)); }

  std::variant<IntakeReceipt, IntakeRefusal> send(const std::string& name) {
    Recording recording = read_recording(name);
    IntakeRequest request;
    // A tunnel posts to a path of the app's own, which passes the body on.
    request.door = recording.target.find("/store") != std::string::npos      ? Door::kStore
                   : recording.target.find("/security") != std::string::npos ? Door::kSecurity
                                                                             : Door::kEnvelope;
    if (request.door == Door::kSecurity) {
      request.environment = "production";
      request.release = "shop-web@1.4.2";
    }
    request.path_project = "1";
    const std::size_t key = recording.target.find("sentry_key=");
    if (key != std::string::npos) request.query_key = std::string_view(recording.target).substr(key + 11, 32);
    request.x_sentry_auth = recording.headers["x-sentry-auth"];
    request.content_type = recording.headers["content-type"];
    request.content_encoding = recording.headers["content-encoding"];
    request.body = recording.body;
    return intake.take(request);
  }

  /// The events that wait, by their ids: the digest's own columns are what is compared.
  std::map<std::string, SpooledEvent> drain_events() {
    std::map<std::string, SpooledEvent> events;
    while (spool->size() > 0) {
      const auto claimed = spool->claim_events(100);
      REQUIRE(claimed);
      for (const SpooledEvent& event : *claimed) {
        REQUIRE(spool->release(std::vector{event.sequence}));
        SpooledEvent& own = events[event.event_id] = event;
        // They were sent long ago, by clocks that were right.
        if (own.sent_at > 0) own.received_at = own.sent_at;
      }
    }
    return events;
  }

  void store_items() {
    // What was sent is what is looked for.
    const auto projects = store->list_projects();
    REQUIRE(projects);
    for (const Project& project : *projects) {
      REQUIRE(store->set_digest_settings(project.id, R"({"scrubbing":{"enabled":false}})"));
    }
    ItemWriter writer(*spool, *store, {});
    writer.start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (spool->counts().waiting_items > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    CHECK(spool->counts().waiting_items == 0);
  }
};

/// All recordings, as "client/case-NN", but for preflights, which are answered before the intake.
std::vector<std::string> recordings() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kCorpus)) {
    if (entry.path().extension() != ".http") continue;
    std::string name = entry.path().parent_path().filename().string() + "/" + entry.path().stem().string();
    if (!read_file(kCorpus + name + ".http").starts_with("OPTIONS")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The table of what became of the recordings, by client and case; with TEST_TABLE=1 in the environment it is printed,
/// as Markdown.
class Outcomes {
 public:
  void add(const std::string& file, bool is_taken) {
    Row& row = rows_[case_of(file)];
    ++row.requests;
    row.taken += is_taken ? 1 : 0;
    ++requests_;
  }
  void read_back(const std::string& file, const std::string& kind, bool is_kept, bool is_found) {
    Row& row = rows_[case_of(file)];
    if (!is_kept) {
      row.unsupported.insert(kind);
    } else {
      ++row.items;
      row.read_back += is_found ? 1 : 0;
    }
  }
  [[nodiscard]] std::size_t requests() const { return requests_; }
  void print() const {
    if (std::getenv("TEST_TABLE") == nullptr) return;  // NOLINT(concurrency-mt-unsafe): one thread
    std::puts("| client | case | requests | taken | items | read back | taken and not kept |");
    std::puts("|---|---|--:|--:|--:|--:|---|");
    Row sum;
    for (const auto& [name, row] : rows_) {
      const std::size_t slash = name.find('/');
      print_row(name.substr(0, slash), name.substr(slash + 1), row);
      sum.requests += row.requests;
      sum.taken += row.taken;
      sum.items += row.items;
      sum.read_back += row.read_back;
    }
    print_row("all", std::to_string(rows_.size()) + " cases", sum);
  }

 private:
  struct Row {
    std::size_t requests = 0;
    std::size_t taken = 0;
    std::size_t items = 0;
    std::size_t read_back = 0;
    std::set<std::string> unsupported;
  };
  static void print_row(const std::string& client, const std::string& name, const Row& row) {
    std::string unsupported;
    for (const std::string& kind : row.unsupported) unsupported += (unsupported.empty() ? "" : ", ") + kind;
    std::printf("| %s | %s | %zu | %zu | %zu | %zu | %s |\n", client.c_str(), name.c_str(), row.requests, row.taken,
                row.items, row.read_back, unsupported.c_str());
  }
  /// "sentry-node/exception-simple-02" -> "sentry-node/exception-simple"
  static std::string case_of(const std::string& file) { return file.substr(0, file.rfind('-')); }
  std::map<std::string, Row> rows_;
  std::size_t requests_ = 0;
};

/// Everything but events, as the store gives it back.
class Stored {
 public:
  explicit Stored(Store& store) {
    for (const ItemKind kind : {ItemKind::kSession, ItemKind::kSessions, ItemKind::kFeedback, ItemKind::kClientReport,
                                ItemKind::kCheckIn, ItemKind::kTransaction}) {
      const auto page = store.find_items({1, kind, 1000});
      REQUIRE(page);
      for (const StoredItem& item : page->items) std::visit([&](const auto& content) { add(content); }, item.content);
    }
  }

  [[nodiscard]] bool has(const std::string& kind, const json& item) const {
    if (kind == "session") return facts_.contains("session " + undashed(item["sid"]) + text_of(item["release"]));
    if (kind == "check_in")
      return facts_.contains("check_in " + undashed(item["check_in_id"]) + text_of(item["monitor_slug"]));
    if (kind == "transaction") return facts_.contains("transaction " + text_of(item["transaction"]));
    if (kind == "feedback" || kind == "user_report") {
      const json& feedback = item["feedback"];
      return facts_.contains("feedback " + undashed(text_of(feedback.value("associated_event_id", json()))) +
                             text_of(feedback["message"]) + text_of(feedback.value("name", json())) +
                             text_of(feedback.value("contact_email", json())));
    }
    if (kind == "sessions") {
      return std::all_of(item["aggregates"].begin(), item["aggregates"].end(), [&](const json& one) {
        return facts_.contains("sessions " + std::to_string(one.value("exited", 0)) + "/" +
                               std::to_string(one.value("errored", 0)) + "/" + std::to_string(one.value("crashed", 0)));
      });
    }
    return std::all_of(item["discarded_events"].begin(), item["discarded_events"].end(), [&](const json& one) {
      return facts_.contains("loss " + text_of(one["reason"]) + "/" + text_of(one["category"]) + "/" +
                             std::to_string(one["quantity"].get<int>()));
    });
  }

 private:
  static std::string undashed(std::string id) {
    id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
    return id;
  }
  void add(const Attachment&) {}
  void add(const RunCounters&) {}
  void add(const SessionUpdate& session) { facts_.insert("session " + session.sid + session.release); }
  void add(const SessionCounts& counts) {
    facts_.insert("sessions " + std::to_string(counts.exited) + "/" + std::to_string(counts.errored) + "/" +
                  std::to_string(counts.crashed));
  }
  void add(const UserReport& report) {
    facts_.insert("feedback " + report.event_id + report.message + report.name + report.email);
  }
  void add(const ClientLoss& loss) {
    facts_.insert("loss " + loss.reason + "/" + loss.category + "/" + std::to_string(loss.quantity));
  }
  void add(const CheckIn& check_in) { facts_.insert("check_in " + check_in.check_in_id + check_in.monitor); }
  void add(const Transaction& transaction) { facts_.insert("transaction " + transaction.name); }

  std::set<std::string> facts_;
};

void compare_attachments(const json& expected, const std::string& event_id, Store& store) {
  const auto stored = store.find_attachments(1, event_id, true);
  REQUIRE(stored);
  REQUIRE(stored->size() == expected.size());
  for (std::size_t index = 0; index < expected.size(); ++index) {
    const auto& file = std::get<Attachment>((*stored)[index].content);
    CHECK(file.filename == text_of(expected[index]["filename"]));
    CHECK(file.bytes.size() == expected[index]["bytes"].get<std::size_t>());
  }
}

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

TEST_CASE("every recorded request is taken in, and all of it read back as its client meant it") {
  Fixture fixture;
  Outcomes outcomes;
  for (const std::string& file : recordings()) {
    CAPTURE(file);
    const auto outcome = fixture.send(file);
    const auto* refusal = std::get_if<IntakeRefusal>(&outcome);
    CHECK_MESSAGE(refusal == nullptr, (refusal != nullptr ? refusal->message : ""));
    outcomes.add(file, refusal == nullptr);
  }
  CHECK(outcomes.requests() > 200);
  const std::map<std::string, SpooledEvent> events = fixture.drain_events();
  fixture.store_items();
  const Stored stored(*fixture.store);
  for (const json& item : json::parse(read_file(kCorpus + "expected.json"))) {
    const std::string file = item["file"];
    const std::string kind = item["item"];
    CAPTURE(file);
    CAPTURE(kind);
    const bool is_kept = item_type(kind).kept_as.has_value();
    bool is_found = !is_kept;
    if (kind == "event") {
      const auto found = events.find(item["event_id"]);
      is_found = found != events.end();
      if (is_found) compare(item, read_event(found->second).record);
      if (item.contains("attachments")) compare_attachments(item["attachments"], item["event_id"], *fixture.store);
    } else if (is_kept) {
      is_found = stored.has(kind, item);
    }
    CHECK(is_found);
    outcomes.read_back(file, kind, is_kept, is_found);
  }
  // Reports of browsers are events made here: they have no entry of their own among what is expected.
  std::size_t reports = 0;
  for (const auto& [id, event] : events) {
    if (event.payload.find("\"logger\":\"csp\"") == std::string::npos) continue;
    const DigestedEvent record = read_event(event).record;
    CHECK(record.value.starts_with("Blocked 'img-src' from '"));
    CHECK(record.release == "shop-web@1.4.2");
    CHECK(record.environment == "production");
    ++reports;
  }
  CHECK(reports == 2);
  outcomes.print();
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
