#include "collector/ingest/spool.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/ingest/segment_file.h"
#include "sdk/core/gzip.h"
#include "tests/support/failing_disk.h"
#include "tests/support/spool_requests.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using trapline::tests::append;
using trapline::tests::failing_reads;
using trapline::tests::failing_syncs;
using trapline::tests::numbered_event_id;
using trapline::tests::numbered_payload;
using trapline::tests::TemporaryFolder;

namespace {

std::unique_ptr<Spool> open_spool(const std::string& path, SpoolOptions options = {}) {
  auto spool = Spool::open(path, std::move(options));
  REQUIRE_MESSAGE(spool, (spool ? "" : spool.error().message));
  return std::move(*spool);
}

/// The ids of all events that wait, each released as it is read.
std::vector<std::string> drain(Spool& spool) {
  std::vector<std::string> ids;
  while (spool.size() > 0) {
    const auto events = spool.claim_events(100);
    REQUIRE(events);
    for (const SpooledEvent& event : *events) {
      ids.push_back(event.event_id);
      REQUIRE(spool.release(std::vector{event.sequence}));
    }
  }
  return ids;
}

std::vector<std::string> ids_of(const std::vector<int>& numbers) {
  std::vector<std::string> ids;
  for (const int number : numbers) ids.push_back(numbered_event_id(number));
  return ids;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A spool of three requests, closed; answers its only file.
std::string make_three(const std::string& folder) {
  const auto spool = open_spool(folder);
  REQUIRE(append(*spool, {1}));
  REQUIRE(append(*spool, {2}));
  REQUIRE(append(*spool, {3}));
  return list_segments(folder).value().at(0);
}

}  // namespace

TEST_CASE("events come out in the order they went in, each once") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"));
  REQUIRE(append(*spool, {1, 2, 3}));
  const auto first = spool->claim_events(2);
  REQUIRE(first);
  REQUIRE(first->size() == 2);
  CHECK((*first)[0].payload == numbered_payload(1));
  CHECK((*first)[0].received_at == 7);
  CHECK((*first)[0].client_ip == "192.0.2.1");
  CHECK(spool->size() == 3);
  REQUIRE(spool->release(std::vector{(*first)[0].sequence, (*first)[1].sequence}));
  CHECK(spool->claim_events(2)->at(0).event_id == numbered_event_id(3));
  CHECK(spool->size() == 1);
}

TEST_CASE("two workers never hold the same event, and release in any order") {
  TemporaryFolder folder;
  {
    const auto spool = open_spool(folder.path("s"));
    REQUIRE(append(*spool, {1, 2, 3, 4}));
    const auto first = spool->claim_events(2);
    const auto second = spool->claim_events(2);
    CHECK(first->at(1).event_id == numbered_event_id(2));
    CHECK(second->at(0).event_id == numbered_event_id(3));
    REQUIRE(spool->release(std::vector{second->at(0).sequence, second->at(1).sequence}));
    CHECK(spool->size() == 2);
  }
  // What was claimed and never released comes again.
  const auto spool = open_spool(folder.path("s"));
  const std::vector<std::string> again = drain(*spool);
  CHECK(again.at(0) == numbered_event_id(1));
  CHECK(again.at(1) == numbered_event_id(2));
}

TEST_CASE("what was released before a restart does not come again, and what was not does") {
  TemporaryFolder folder;
  {
    const auto spool = open_spool(folder.path("s"));
    for (int number = 0; number < 5; ++number) REQUIRE(append(*spool, {number}));
    const auto events = spool->claim_events(3);
    REQUIRE(spool->release(std::vector{(*events)[0].sequence, (*events)[1].sequence, (*events)[2].sequence}));
  }
  CHECK(drain(*open_spool(folder.path("s"))) == ids_of({3, 4}));
}

TEST_CASE("what was appended before a kill is there after it") {
  TemporaryFolder folder;
  const std::string path = folder.path("s");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto spool = Spool::open(path);
    if (!spool || !append(**spool, {1, 2})) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(drain(*open_spool(path)) == ids_of({1, 2}));
}

TEST_CASE("sequence numbers are never given twice, also when the spool has been empty") {
  TemporaryFolder folder;
  std::int64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    const auto spool = open_spool(folder.path("s"));
    REQUIRE(append(*spool, {round}));
    const auto events = spool->claim_events(10);
    REQUIRE(events->size() == 1);
    CHECK(events->at(0).sequence > last);
    last = events->at(0).sequence;
    REQUIRE(spool->release(std::vector{last}));
  }
}

TEST_CASE("many threads append and read at once, and every event comes out once") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.segment_bytes = 4'000, .memory_bytes = 2'000});
  constexpr int kThreads = 8;
  constexpr int kEach = 40;
  std::mutex mutex;
  std::multiset<std::string> seen;
  std::vector<std::thread> readers;
  for (int reader = 0; reader < 2; ++reader) {
    readers.emplace_back([&] {
      while (true) {
        const auto events = spool->claim_events(7);
        if (!events || events->empty()) return;
        std::vector<std::int64_t> sequences;
        for (const SpooledEvent& event : *events) sequences.push_back(event.sequence);
        {
          const std::lock_guard lock(mutex);
          for (const SpooledEvent& event : *events) seen.insert(event.event_id);
        }
        CHECK(spool->release(sequences));
      }
    });
  }
  std::vector<std::thread> writers;
  for (int thread = 0; thread < kThreads; ++thread) {
    writers.emplace_back([&, thread] {
      for (int number = 0; number < kEach; ++number) CHECK(append(*spool, {thread * 1000 + number}));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (spool->size() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  spool->stop();
  for (std::thread& reader : readers) reader.join();
  CHECK(seen.size() == kThreads * kEach);
  CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == kThreads * kEach);
  CHECK(list_segments(folder.path("s"))->size() == 1);
}

TEST_CASE("stopping wakes whoever waits for events or items") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"));
  std::thread events([&] { CHECK(spool->claim_events(1)->empty()); });
  std::thread items([&] { CHECK(spool->claim_items(1)->empty()); });
  spool->stop();
  events.join();
  items.join();
}

TEST_CASE("a path that cannot be a spool is refused with it") {
  TemporaryFolder folder;
  const std::string path = folder.path("s");
  write_file(path, "x");
  const auto spool = Spool::open(path);
  REQUIRE_FALSE(spool);
  CHECK(spool.error().message.find(path) != std::string::npos);
}

TEST_CASE("what is no segment is set aside, told and counted, and the spool opens without it") {
  TemporaryFolder folder;
  REQUIRE(append(*open_spool(folder.path("s")), {1}));
  const std::string foreign = folder.path("s") + "/0000000000000000009.segment";
  write_file(foreign, std::string(5000, 'x'));
  write_file(folder.path("s") + "/notes.segment", "x");
  std::filesystem::create_directory(folder.path("s") + "/x.segment");
  std::string told;
  const auto spool = open_spool(folder.path("s"), {.on_damage = [&](const std::string& what) { told += what + "\n"; }});
  CHECK(read_file(foreign + ".damaged").size() == 5000);
  CHECK(told.find(foreign) != std::string::npos);
  CHECK(spool->counts().damaged_files == 3);
  CHECK(spool->counts().damaged_parts == 0);
  REQUIRE(append(*spool, {2}));
  CHECK(drain(*spool) == ids_of({1, 2}));
}

TEST_CASE("a copy of a file under another name is set aside, and costs nothing") {
  TemporaryFolder folder;
  const std::string path = make_three(folder.path("s"));
  std::filesystem::copy_file(path, folder.path("s") + "/0000000000000100000.segment");
  {
    const auto spool = open_spool(folder.path("s"));
    CHECK(spool->counts().damaged_files == 1);
    CHECK(spool->counts().damaged_parts == 0);
    REQUIRE(append(*spool, {4}));
  }
  CHECK(drain(*open_spool(folder.path("s"))) == ids_of({1, 2, 3, 4}));
}

TEST_CASE("a damaged head of a file costs none of its records, whichever file it is") {
  TemporaryFolder folder;
  const std::string path = make_three(folder.path("origin"));
  for (std::size_t at = 0; at < 32; ++at) {
    CAPTURE(at);
    const std::string copy = folder.path("copy" + std::to_string(at));
    std::filesystem::copy(folder.path("origin"), copy);
    std::string damaged = read_file(path);
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_file(list_segments(copy)->at(0), damaged);
    {
      const auto spool = open_spool(copy);
      REQUIRE(append(*spool, {4}));
      CHECK(spool->counts().damaged_parts == 0);
    }
    CHECK(drain(*open_spool(copy)) == ids_of({1, 2, 3, 4}));
  }
}

TEST_CASE("the key of a spool is found in its segments when its own file is gone") {
  TemporaryFolder folder;
  make_three(folder.path("s"));
  REQUIRE(std::filesystem::remove(folder.path("s") + "/key"));
  CHECK(drain(*open_spool(folder.path("s"))) == ids_of({1, 2, 3}));
  CHECK(std::filesystem::exists(folder.path("s") + "/key"));
}

TEST_CASE("of four files, what is damaged or missing in the middle costs exactly that, and is counted") {
  TemporaryFolder folder;
  const SpoolOptions small{.segment_bytes = 400};
  {
    const auto spool = open_spool(folder.path("origin"), small);
    for (int number = 0; number < 12; ++number) REQUIRE(append(*spool, {number}));
  }
  const std::vector<std::string> files = list_segments(folder.path("origin")).value();
  REQUIRE(files.size() >= 3);
  const auto second = SegmentFile::open(files[1], {}).value()->scan();
  const std::uint64_t lost = second->records.size();
  const auto check = [&](const std::string& name, const std::string& content, bool is_there) {
    CAPTURE(name);
    const std::string copy = folder.path(name);
    std::filesystem::copy(folder.path("origin"), copy);
    const std::string path = list_segments(copy)->at(1);
    if (is_there) {
      write_file(path, content);
    } else {
      REQUIRE(std::filesystem::remove(path));
    }
    const auto spool = open_spool(copy, small);
    CHECK(spool->counts().damaged_parts == lost);
    REQUIRE(append(*spool, {99}));
    CHECK(drain(*spool).size() == 12 - lost + 1);
  };
  check("zeroed", std::string(std::filesystem::file_size(files[1]), '\0'), true);
  check("empty", "", true);
  check("missing", "", false);
}

TEST_CASE("a last record whose body the disk has changed counts as lost, not as never acknowledged") {
  TemporaryFolder folder;
  const std::string path = make_three(folder.path("s"));
  std::string damaged = read_file(path);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  write_file(path, damaged);
  const auto spool = open_spool(folder.path("s"));
  CHECK(spool->counts().torn_bytes == 0);
  CHECK(drain(*spool) == ids_of({1, 2}));
  CHECK(spool->counts().damaged_parts == 1);
}

TEST_CASE("a record that somebody wrote into a body is not found behind a damaged head") {
  TemporaryFolder folder;
  // A whole record of another project, as anyone can make it who has read the source.
  trapline::tests::SpoolRequest forged = trapline::tests::spool_request({66});
  forged.request.project_id = 2;
  std::string record = begin_record(encoded_size(forged.request, forged.body));
  encode_request(forged.request, forged.body, record);
  finish_record(record, 1, 1);
  seal_record(record, 2, SpoolKey{});
  {
    const auto spool = open_spool(folder.path("s"));
    trapline::tests::SpoolRequest carrier = trapline::tests::spool_request({1});
    carrier.body = "[" + record + "]";
    REQUIRE(spool->append(std::move(carrier.request), carrier.body));
    REQUIRE(append(*spool, {2}));
  }
  const std::string path = list_segments(folder.path("s")).value().at(0);
  std::string damaged = read_file(path);
  damaged[40] = static_cast<char>(damaged[40] ^ 1);  // in the first record's head
  write_file(path, damaged);
  CHECK(drain(*open_spool(folder.path("s"))) == ids_of({2}));
}

TEST_CASE("a read that fails for a moment loses nothing, one that fails for ever costs its record and keeps the file") {
  TemporaryFolder folder;
  make_three(folder.path("s"));
  std::string told;
  const auto spool = open_spool(folder.path("s"), {.on_damage = [&](const std::string& what) { told += what; }});
  failing_reads = 2;
  CHECK(spool->claim_events(1)->at(0).event_id == numbered_event_id(1));
  CHECK(told.empty());
  failing_reads = 5;
  CHECK(spool->claim_events(1)->at(0).event_id == numbered_event_id(3));
  CHECK(spool->counts().damaged_parts == 1);
  CHECK(told.find("Input/output error") != std::string::npos);
}

TEST_CASE(
    "a file that cannot be synced is left, and the next one is used and remembered, also when it fails at first") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"));
  REQUIRE(append(*spool, {1}));
  for (int round = 0; round < 2; ++round) {  // the second time in the new file
    failing_syncs = 1;
    CHECK(append(*spool, {2}).error().code == "storage");
  }
  REQUIRE(append(*spool, {3}));
  CHECK(list_segments(folder.path("s"))->size() == 3);
  CHECK(drain(*spool) == ids_of({1, 3}));
  CHECK(list_segments(folder.path("s"))->size() == 1);
}

TEST_CASE("a torn record at the tail is cut off, wherever it is torn, and the spool goes on") {
  TemporaryFolder folder;
  const std::string whole = read_file(make_three(folder.path("origin")));
  const auto scan = SegmentFile::open(list_segments(folder.path("origin"))->at(0), {}).value()->scan();
  const std::uint64_t last_start = scan->records.back().offset;
  for (std::uint64_t size = last_start; size < whole.size(); ++size) {
    CAPTURE(size);
    const std::string copy = folder.path("copy" + std::to_string(size));
    std::filesystem::create_directory(copy);
    write_file(copy + "/0000000000000000001.segment", whole.substr(0, size));
    const auto spool = open_spool(copy);
    CHECK(spool->size() == 2);
    CHECK(spool->counts().torn_bytes == size - last_start);
    REQUIRE(append(*spool, {4}));
    CHECK(drain(*spool) == ids_of({1, 2, 4}));
  }
}

TEST_CASE("a file whose first bytes never reached the disk is begun anew") {
  TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("s"));
  write_file(folder.path("s") + "/0000000000000000001.segment", "TRPL");
  const auto spool = open_spool(folder.path("s"));
  REQUIRE(append(*spool, {1}));
  CHECK(drain(*spool) == ids_of({1}));
}

TEST_CASE("a flipped bit costs the record it is in and no other, and is counted") {
  TemporaryFolder folder;
  const std::string path = make_three(folder.path("origin"));
  const std::string whole = read_file(path);
  const auto scan = SegmentFile::open(path, {}).value()->scan();
  const RecordPlace middle = scan->records.at(1);
  for (std::uint64_t at = middle.offset; at < middle.end(); ++at) {
    CAPTURE(at);
    const std::string copy = folder.path("copy" + std::to_string(at));
    std::filesystem::create_directory(copy);
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write_file(copy + "/0000000000000000001.segment", damaged);
    const auto spool = open_spool(copy);
    REQUIRE(append(*spool, {4}));
    CHECK(drain(*spool) == ids_of({1, 3, 4}));
    CHECK(spool->counts().damaged_parts == 1);
    CHECK(spool->counts().torn_bytes == 0);
  }
}

TEST_CASE("a full spool refuses, and takes again when something was released") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.max_bytes = 4'000});
  int taken = 0;
  while (append(*spool, {taken})) ++taken;
  CHECK(taken > 5);
  CHECK(append(*spool, {taken}).error().code == "spool_full");
  CHECK(spool->admit(1'000).error().code == "spool_full");
  CHECK(spool->counts().bytes <= 4'100);  // the files' own heads come on top
  const auto events = spool->claim_events(1000);
  std::vector<std::int64_t> sequences;
  for (const SpooledEvent& event : *events) sequences.push_back(event.sequence);
  REQUIRE(spool->release(sequences));
  CHECK(append(*spool, {taken}));
}

TEST_CASE("the bytes that count are those of the files, before and after a restart") {
  TemporaryFolder folder;
  const auto on_disk = [&] {
    std::uint64_t bytes = 0;
    const auto files = list_segments(folder.path("s"));
    for (const std::string& path : *files) bytes += std::filesystem::file_size(path);
    return bytes;
  };
  {
    const auto spool = open_spool(folder.path("s"), {.segment_bytes = 400});
    for (int number = 0; number < 9; ++number) REQUIRE(append(*spool, {number}));
    CHECK(spool->counts().bytes == on_disk());
  }
  CHECK(open_spool(folder.path("s"))->counts().bytes == on_disk());
}

TEST_CASE("no more events wait than may") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.max_events = 2});
  REQUIRE(append(*spool, {1, 2}));
  CHECK(append(*spool, {3}).error().code == "spool_full");
}

TEST_CASE("a disk that is nearly full refuses, and takes again when it is not") {
  TemporaryFolder folder;
  std::atomic<std::uint64_t> free_bytes{10};
  const auto spool = open_spool(
      folder.path("s"), {.min_free_bytes = 100, .free_bytes = [&](const std::string&) { return free_bytes.load(); }});
  CHECK(append(*spool, {1}).error().code == "disk_full");
  free_bytes = 100;
  CHECK(append(*spool, {1}));
}

TEST_CASE("a write that the disk refuses is an error to the sender alone, and leaves no trace") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"));
  REQUIRE(append(*spool, {1}));
  // A limit on the size of files stands in for the full disk.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{spool->counts().bytes + 50, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto refused = append(*spool, {2});
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(refused.error().code == "storage");
  CHECK(append(*spool, {3}));
  CHECK(drain(*spool) == ids_of({1, 3}));
  CHECK(drain(*open_spool(folder.path("s"))).empty());
}

TEST_CASE("events beyond the memory come from the disk as they were, with the ids they were given") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.memory_bytes = 1});
  std::vector<int> numbers;
  for (int number = 0; number < 20; ++number) {
    REQUIRE(append(*spool, {number, number + 100}));
    numbers.push_back(number);
    numbers.push_back(number + 100);
  }
  CHECK(drain(*spool) == ids_of(numbers));
}

TEST_CASE("what waits on the disk is handed out in full runs, as storing one by one costs most") {
  TemporaryFolder folder;
  {
    const auto spool = open_spool(folder.path("s"));
    for (int number = 0; number < 50; ++number) REQUIRE(append(*spool, {number}));
  }
  const auto spool = open_spool(folder.path("s"));
  CHECK(spool->claim_events(30)->size() == 30);
  CHECK(spool->claim_events(30)->size() == 20);
}

TEST_CASE("a compressed envelope is kept as it came; its event and its items are read back, also after a restart") {
  TemporaryFolder folder;
  const std::string envelope = "{\"event_id\":\"" + std::string(32, 'a') +
                               "\"}\n{\"type\":\"attachment\",\"length\":3,\"filename\":\"f.txt\"}\na\nb\n"
                               "{\"type\":\"replay_event\"}\n{}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n"
                               "{\"type\":\"session\"}\n{\"sid\":\"55555555555555555555555555555555\"}\n";
  SpooledRequest request;
  request.form = {.door = Door::kEnvelope, .content_encoding = "gzip"};
  request.project_id = 5;
  request.body_hash = "0123456789abcdef";
  const std::string body = trapline::core::gzip(envelope);
  auto parts = read_parts(request.form, body, {});
  REQUIRE(parts);
  CHECK(parts->ignored_items.at("replay_event") == 1);
  request.parts = std::move(parts->parts);
  std::string first_item_id;
  {
    const auto spool = open_spool(folder.path("s"));
    REQUIRE(spool->append(request, body));
    first_item_id = spool->claim_items(10)->at(0).item_id;
  }
  const auto spool = open_spool(folder.path("s"));
  const auto events = spool->claim_events(10);
  REQUIRE(events->size() == 1);
  CHECK(events->at(0).event_id == std::string(32, 'a'));
  CHECK(events->at(0).payload == "{\"message\":\"m\"}");
  const auto items = spool->claim_items(10);
  REQUIRE(items->size() == 2);
  CHECK(items->at(0).item_id == first_item_id);
  CHECK(items->at(0).item_id != items->at(1).item_id);
  CHECK(items->at(0).project_id == 5);
  CHECK(items->at(0).part.payload == "a\nb");
  CHECK(items->at(0).part.filename == "f.txt");
  CHECK(items->at(0).part.event_id == std::string(32, 'a'));
  CHECK(items->at(1).part.kind == ItemKind::kSession);
  CHECK(spool->counts().waiting_items == 2);
  REQUIRE(spool->release(std::vector{items->at(0).sequence, items->at(1).sequence}));
  CHECK(spool->counts().waiting_items == 0);
  CHECK(spool->size() == 1);
}

TEST_CASE("when a request was sent, by its sender's clock, is known again after a restart, at the doors that tell it") {
  const std::string header = R"({"sent_at":"2026-11-21T01:08:17.698Z"})";
  struct Case {
    Door door;
    std::string content_type;
    std::string body;
    std::int64_t sent_at;
  };
  const std::string ndjson = "application/x-ndjson";
  for (const Case& one : {Case{Door::kEnvelope, "", header + "\n{\"type\":\"event\"}\n{}\n", 1795223297698},
                          Case{Door::kEnvelope, "", "{\"sent_at\":\"soon\"}\n{\"type\":\"event\"}\n{}\n", 0},
                          Case{Door::kEvents, ndjson, "{\"trapline_batch\":" + header + "}\n{}\n", 1795223297698},
                          Case{Door::kEvents, ndjson, "{\"trapline_batch\":{\"sent_at\":7}}\n{}\n", 0},
                          Case{Door::kEvents, "", "[{}]", 0}}) {
    CAPTURE(one.body);
    TemporaryFolder folder;
    SpooledRequest request;
    request.form = {.door = one.door, .content_type = one.content_type};
    auto parts = read_parts(request.form, one.body, {});
    REQUIRE(parts);
    request.sent_at = parts->sent_at;
    request.parts = std::move(parts->parts);
    {
      const auto spool = open_spool(folder.path("s"));
      REQUIRE(spool->append(request, one.body));
      CHECK(spool->claim_events(1)->at(0).sent_at == one.sent_at);
    }
    CHECK(open_spool(folder.path("s"))->claim_events(1)->at(0).sent_at == one.sent_at);
  }
}

TEST_CASE("a whole file of released events is deleted") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.segment_bytes = 500});
  for (int number = 0; number < 20; ++number) REQUIRE(append(*spool, {number}));
  CHECK(list_segments(folder.path("s"))->size() > 3);
  drain(*spool);
  CHECK(list_segments(folder.path("s"))->size() == 1);
  CHECK(spool->counts().bytes < 1'000);
}

TEST_CASE("what was released does not stay in the file that is written to") {
  TemporaryFolder folder;
  const std::string path = folder.path("s");
  const auto file_has = [&](int number) {
    const auto segments = list_segments(path).value();
    REQUIRE(segments.size() == 1);
    return read_file(segments[0]).find(numbered_payload(number)) != std::string::npos;
  };
  {
    const auto spool = open_spool(path, {.keep_released = std::chrono::milliseconds(0)});
    REQUIRE(append(*spool, {1}));
    REQUIRE(append(*spool, {2}));
    const auto events = spool->claim_events(2).value();
    REQUIRE(events.size() == 2);
    REQUIRE(spool->release(std::vector{events[0].sequence}));
    CHECK(file_has(1));  // the other one is not stored yet
    REQUIRE(spool->release(std::vector{events[1].sequence}));
    CHECK_FALSE(file_has(1));
    CHECK_FALSE(file_has(2));
    REQUIRE(append(*spool, {3}));
    CHECK(spool->claim_events(1)->at(0).sequence > events[1].sequence);
  }
  const auto spool = open_spool(path);
  CHECK(drain(*spool) == ids_of({3}));
  CHECK(file_has(3));  // for a minute
}

TEST_CASE("what was released goes also when nothing comes any more") {
  TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s"), {.keep_released = std::chrono::milliseconds(300)});
  REQUIRE(append(*spool, {1}));
  std::thread reader([&] {
    for (auto events = spool->claim_events(10).value(); !events.empty(); events = spool->claim_events(10).value()) {
      for (const SpooledEvent& event : events) static_cast<void>(spool->release(std::vector{event.sequence}));
    }
  });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  const auto has_it = [&] {
    std::string all;
    const auto segments = list_segments(folder.path("s")).value();
    for (const std::string& segment : segments) all += read_file(segment);
    return all.find(numbered_payload(1)) != std::string::npos;
  };
  while (has_it() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK_FALSE(has_it());
  REQUIRE(append(*spool, {2}));
  while (spool->size() > 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(spool->size() == 0);
  spool->stop();
  reader.join();
}
