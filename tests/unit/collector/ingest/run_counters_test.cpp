/// What a batch says of the run whose events it has: from the header's line to the ledger.

#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/ingest/intake.h"
#include "collector/ingest/item_reader.h"
#include "collector/ingest/item_writer.h"
#include "collector/storage/open_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

const std::string kKey = "5f0e1d2c3b4a59687f6e5d4c3b2a1908";
const std::string kRun(32, 'e');
const RequestForm kNdjson{.door = Door::kEvents, .content_type = "application/x-ndjson"};

std::string header(const std::string& ledger, const std::string& run = "\"" + kRun + "\"") {
  return R"({"trapline_batch":{"run":)" + run + R"(,"release":"shop@1","ledger":)" + ledger + "}}\n";
}

RequestParts read(const std::string& body) { return read_parts(kNdjson, body, {}).value(); }

RunCounters counters_of(const RequestPart& part) {
  SpooledItem item;
  item.part = part;
  const auto records = read_item(std::move(item));
  REQUIRE(records.size() == 1);
  return std::get<RunCounters>(records[0].content);
}

/// A door whose items reach the store when settle() is called.
struct Collector {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::ManualClock clock{1795223297698};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();

  Collector() { REQUIRE(store->create_project("one", kKey)); }

  /// Takes the bodies one after the other, and writes what they say.
  std::vector<IntakeReceipt> take(const std::vector<std::string>& bodies, const IntakeLimits& limits = {}) {
    Intake intake(*store, *spool, limits, clock);
    std::vector<IntakeReceipt> receipts;
    for (const std::string& body : bodies) {
      const auto outcome =
          intake.take({.door = Door::kEvents, .query_key = kKey, .content_type = kNdjson.content_type, .body = body});
      REQUIRE(std::holds_alternative<IntakeReceipt>(outcome));
      receipts.push_back(std::get<IntakeReceipt>(outcome));
    }
    intake.keep_house();
    return receipts;
  }
  void settle() {
    ItemWriter writer(*spool, *store, {});
    writer.start();
    while (spool->counts().waiting_items > 0) std::this_thread::yield();
    writer.stop();
  }
  std::int64_t count(const std::string& outcome, const std::string& reason) {
    const UnixMillis now = clock.unix_millis();
    const auto entries = store->find_ledger({.project_id = 1, .from = now - 3'600'000, .to = now + 1});
    REQUIRE(entries);
    for (const LedgerEntry& entry : entries->items) {
      if (entry.outcome == outcome && entry.reason == reason && entry.release == "shop@1") return entry.count;
    }
    return 0;
  }
};

}  // namespace

TEST_CASE("a header's counters are a part behind the events, whose places they do not move") {
  const auto read_batch = read(header(R"({"captured":9,"delivered":2,"rejected":1,"sample_rate":3})") + "{}\n7\n{}\n");
  REQUIRE(read_batch.parts.size() == 3);
  REQUIRE(read_batch.rejected.size() == 1);
  CHECK(read_batch.rejected[0].index == 1);
  const RequestPart& part = read_batch.parts[2];
  CHECK(part.kind == ItemKind::kRunCounters);
  CHECK(part.index == 3);
  CHECK(part.event_id == kRun);
  const RunCounters counters = counters_of(part);
  CHECK(counters.run == kRun);
  CHECK(counters.release == "shop@1");
  CHECK(counters.captured == 9);
  CHECK(counters.reached == 6);  // those before, and all of this batch: the refused one has come here, too
  REQUIRE(counters.drops.size() == 1);
  CHECK(counters.drops[0].reason == "sample_rate");
  CHECK(counters.drops[0].count == 3);
}

TEST_CASE("headers of older clients, without a run or with nothing at all, are no part") {
  for (const char* line : {R"({"trapline_batch":{"ledger":{"captured":3}}})", R"({"trapline_batch":{}})",
                           R"({"trapline_batch":7})", R"({"trapline_batch":{"debug_meta":{"images":[]}}})"}) {
    const auto batch = read(std::string(line) + "\n{}\n");
    CHECK(batch.parts.size() == 1);
    CHECK(batch.rejected.empty());
  }
}

TEST_CASE("counters that cannot be are refused, and the batch's events are taken") {
  std::string many = R"({"captured":1)";
  for (int number = 0; number < 33; ++number) many += ",\"r" + std::to_string(number) + "\":1";
  const std::vector<std::string> headers = {
      header(R"({"captured":-1})"),
      header(R"({"captured":1.5})"),
      header(R"({"captured":"3"})"),
      header(R"({"captured":1000000000001})"),
      header(R"({"captured":18446744073709551615})"),
      header(R"({"captured":1,"Sample rate":1})"),
      header(R"({"captured":1,"":1})"),
      header(R"({"captured":1,"sample_rate":1,"sample_rate":1})"),
      header(R"({"captured":1,")" + std::string(41, 'x') + "\":1}"),
      header(many + "}"),
      header("7"),
      header("null"),
      header("{}", "\"not-hex\""),
      header("{}", "7"),
      header("{}", "\"\""),
      header("{}", "\"" + std::string(100'000, 'a') + "\""),
  };
  for (const std::string& line : headers) {
    CAPTURE(line.substr(0, 200));
    const auto batch = read(line + "{\"message\":\"x\"}\n");
    REQUIRE(batch.parts.size() == 1);
    CHECK(batch.parts[0].kind == ItemKind::kEvent);
    REQUIRE(batch.rejected.size() == 1);
    CHECK(batch.rejected[0].code == "invalid_item");
    CHECK(batch.rejected[0].index == 1);
  }
}

TEST_CASE("a batch without events may bring counters alone, which are no events") {
  Collector collector;
  const auto receipts = collector.take({header(R"({"captured":4,"torn":3})")});
  CHECK(receipts[0].accepted == 0);
  CHECK(receipts[0].rejected.empty());
  collector.settle();
  CHECK(collector.count("not_sent", "torn") == 3);
  CHECK(collector.count("unknown", "not_accounted") == 1);
}

TEST_CASE("counters survive in the spool, also where events of their batch were over a limit") {
  Collector collector;
  const std::string large = R"({"message":")" + std::string(200, 'x') + "\"}";
  const auto receipts =
      collector.take({header(R"({"captured":5})") + large + "\n{\"message\":\"x\"}\n"}, {.max_event_bytes = 100});
  CHECK(receipts[0].accepted == 1);
  collector.spool = nullptr;
  collector.spool = Spool::open(collector.folder.path("s")).value();  // read from the disk, without the limit
  CHECK(collector.spool->counts().waiting_items == 1);
  collector.settle();
  CHECK(collector.count("unknown", "not_accounted") == 3);
}

TEST_CASE("a batch that is sent again changes nothing, and one whose events are all known still tells its counters") {
  Collector collector;
  const std::string event = R"({"event_id":")" + std::string(32, '1') + "\"}\n";
  const std::string first = header(R"({"captured":3,"sample_rate":1})") + event;
  const std::string later = header(R"({"captured":5,"sample_rate":3})") + event;
  const auto receipts = collector.take({first, later, first});
  CHECK(receipts[1].accepted == 0);
  CHECK(receipts[1].duplicates == 1);
  collector.settle();
  CHECK(collector.count("not_sent", "sample_rate") == 3);
  CHECK(collector.count("unknown", "not_accounted") == 1);
  CHECK(collector.count("stored", "") == 0);
}
