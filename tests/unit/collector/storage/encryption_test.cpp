/// Encryption at rest: what is sealed, with which key, and how keys come and go.

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/files/directory_files.h"
#include "collector/storage/key_rotation.h"
#include "collector/storage/open_store.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/event_ids.h"
#include "collector/storage/sql/payload_dictionaries.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

namespace fs = std::filesystem;

constexpr UnixMillis kNow = 1795223297698;
const std::string kMarker = "Zq7#marker%Xw2";

EncryptionKey key(char digit) { return EncryptionKey::parse(std::string(64, digit)).value(); }
const EncryptionKey kOld = key('1');
const EncryptionKey kNew = key('2');

/// Not to be compressed, of 5,000 bytes.
std::string content(int number) {
  std::string bytes = kMarker;
  auto state = static_cast<std::uint32_t>(number) * 2'654'435'761U + 1;
  while (bytes.size() < 5'000) {
    state = state * 1'664'525U + 1'013'904'223U;
    bytes += static_cast<char>(state >> 24U);
  }
  return bytes;
}

std::string all_bytes(const fs::path& folder) {
  std::string bytes;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    bytes.append(std::istreambuf_iterator<char>(file), {});
  }
  return bytes;
}

struct Fixture {
  trapline::tests::TestDatabase database;
  trapline::tests::TemporaryFolder folder;
  std::string files = folder.path("files");

  StoreOptions options(std::vector<EncryptionKey> keys) const { return {files, std::move(keys)}; }
  Result<std::unique_ptr<Store>> try_open(std::vector<EncryptionKey> keys) const {
    return open_store(database.url(), trapline::core::system_clock(), options(std::move(keys)));
  }
  std::unique_ptr<Store> open(std::vector<EncryptionKey> keys) const {
    auto opened = try_open(std::move(keys));
    REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
    return std::move(*opened);
  }
  static std::string event_id(int number) { return std::string(27, 'e') + std::to_string(10'000 + number); }
  static void append(Store& store, int first, int count) {
    std::vector<DigestedEvent> events;
    for (int number = first; number < first + count; ++number) {
      DigestedEvent event;
      event.project_id = 1;
      event.event_id = event_id(number);
      event.received_at = event.timestamp = kNow + number;
      event.fingerprint = "f";
      event.title = "title";
      event.payload = R"({"n":)" + std::to_string(number) + R"(,"secret":")" + kMarker + "\"}";
      events.push_back(std::move(event));
    }
    const auto outcome = store.append(events);
    REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  }
  static void put(Store& store, const std::string& id, const std::string& bytes) {
    const StoredItem item{id, 1, kNow, Attachment{event_id(0), "f", "t", "a", bytes}};
    const Status status = store.append_items(std::span(&item, 1));
    REQUIRE_MESSAGE(status, (status ? "" : status.error().message));
  }
  /// One of everything that is sealed.
  static void fill(Store& store) {
    if (!store.find_project(1)->has_value()) REQUIRE(store.create_project("shop", std::string(32, 'a')));
    append(store, 0, 20);
    put(store, "small", kMarker);
    put(store, "large", content(1));
    put(store, "again", content(1));
    REQUIRE(store.quarantine({0, 1, std::string(32, 'f'), kNow, 3, "bad", kMarker}));
  }
  static void check_all(Store& store) {
    for (int number = 0; number < 20; ++number) {
      const auto event = store.find_event(1, event_id(number));
      REQUIRE_MESSAGE(event, (event ? "" : event.error().message));
      REQUIRE(*event);
      CHECK((*event)->event.payload.find(kMarker) != std::string::npos);
    }
    CHECK(store.find_events({})->items.size() >= 20);
    const auto bytes = [&](const std::string& id) {
      const auto item = store.find_attachment(1, id);
      REQUIRE_MESSAGE(item, (item ? "" : item.error().message));
      return std::get<Attachment>((*item)->content).bytes;
    };
    CHECK(bytes("small") == kMarker);
    CHECK(bytes("large") == content(1));
    CHECK(bytes("again") == content(1));
    CHECK(store.list_quarantine(1)->at(0).payload == kMarker);
  }
  RotationReport rotate(std::vector<EncryptionKey> keys) const {
    const auto report = rotate_keys(database.url(), {.store = options(std::move(keys))});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    return *report;
  }
  CheckReport check(std::vector<EncryptionKey> keys) const {
    const auto report = check_store(database.url(), {.is_deep = true, .store = options(std::move(keys))});
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) CHECK_MESSAGE(finding.faults == 0, finding.what);
    return *report;
  }
  std::vector<std::string> file_names() const {
    std::vector<std::string> names;
    DirectoryFiles(files).list([&](const FileStore::Entry& entry) { names.push_back(entry.address); });
    return names;
  }
};

}  // namespace

TEST_CASE("what is sealed opens with its key, for its place, and unchanged, and not otherwise") {
  const Sealer sealer({kNew, kOld});
  const std::string sealed = sealer.seal("plain", "here");
  CHECK(sealed.find("plain") == std::string::npos);
  CHECK(sealed != sealer.seal("plain", "here"));
  CHECK(sealed_with(sealed) == kNew.id());
  std::string opened;
  CHECK(sealer.open(sealed, "here", opened) == "plain");
  CHECK(Sealer({kOld, kNew}).open(sealed, "here", opened) == "plain");
  CHECK_THROWS(sealer.open(sealed, "there", opened));
  CHECK_THROWS(Sealer({kOld}).open(sealed, "here", opened));
  CHECK_THROWS(Sealer().open(sealed, "here", opened));
  for (std::size_t at = 1; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK_THROWS(sealer.open(changed, "here", opened));
    CHECK_THROWS(sealer.open(sealed.substr(0, std::max<std::size_t>(at, kSealPrefixBytes)), "here", opened));
  }
  CHECK(sealer.open(sealer.seal("", "here"), "here", opened).empty());
}

TEST_CASE("without a key bytes are stored as they are, and what begins like them is not taken for sealed") {
  CHECK(Sealer().seal("plain", "here") == "plain");
  std::string opened;
  CHECK(Sealer({kNew}).open("plain", "here", opened) == "plain");
  DigestedEvent event;
  event.payload = "{}";
  CHECK_FALSE(sealed_with(sql::pack_event(event, nullptr)));
  CHECK_FALSE(sealed_with(sql::pack_bytes("bytes")));
}

TEST_CASE("addresses of files tell what is in them to who has the key alone") {
  CHECK(Sealer().address_of("x") == Sealer().address_of("x"));
  CHECK(Sealer({kNew}).address_of("x") == Sealer({kNew, kOld}).address_of("x"));
  CHECK(Sealer({kNew}).address_of("x") != Sealer().address_of("x"));
  CHECK(Sealer({kNew}).address_of("x") != Sealer({kOld}).address_of("x"));
  CHECK(is_file_address(Sealer({kNew}).address_of("")));
}

TEST_CASE("keys are read in base64 and hex, and what is no key is refused without being shown") {
  const std::string made = EncryptionKey::make();
  CHECK(made != EncryptionKey::make());
  CHECK(EncryptionKey::parse(made));
  const auto keys = EncryptionKey::parse_all("# of 2026\n" + made + "\n\n" + std::string(64, '1') + ",\t" +
                                             std::string(64, 'A') + "\n");
  REQUIRE(keys);
  REQUIRE(keys->size() == 3);
  CHECK(keys->at(0).id() == EncryptionKey::parse(made)->id());
  CHECK(keys->at(1).id() == kOld.id());
  CHECK(EncryptionKey::parse_all("")->empty());
  for (const std::string& text : {std::string("secret"), std::string(63, '1'), std::string(64, 'x'), made + "A",
                                  made.substr(1), std::string(66, '1')}) {
    const auto parsed = EncryptionKey::parse_all(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.find(text) == std::string::npos);
  }
}

TEST_CASE("of an encrypted store neither the database nor the files show what was sent") {
  if (trapline::tests::is_on_postgres()) return;  // its files are the server's; what is sealed the next case tells
  for (const bool is_encrypted : {false, true}) {
    const trapline::tests::TemporaryFolder folder;
    const StoreOptions options{"", is_encrypted ? std::vector{kNew} : std::vector<EncryptionKey>{}};
    {
      const auto store = open_store("sqlite:" + folder.path("t.db"), trapline::core::system_clock(), options).value();
      Fixture::fill(*store);
      Fixture::check_all(*store);
      CHECK((all_bytes(folder.path("")).find(kMarker) == std::string::npos) == is_encrypted);
    }
    CHECK((all_bytes(folder.path("")).find(kMarker) == std::string::npos) == is_encrypted);
  }
}

TEST_CASE("everything that can be read of an event is sealed, and check tells with which key") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({kNew}));
  const CheckReport report = fixture.check({kNew});
  REQUIRE(report.seals.size() == 1);
  CHECK(report.seals[0].key == kNew.id());
  CHECK(report.seals[0].rows == 22);
  CHECK(report.seals[0].files == 1);
}

TEST_CASE("a store without encryption says nothing of it") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({}));
  CHECK(fixture.check({}).seals.empty());
}

TEST_CASE("without the key that is needed a store is not opened, and the key is named") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({kOld}));
  for (const auto& keys : {std::vector<EncryptionKey>{}, std::vector{kNew}}) {
    const auto opened = fixture.try_open(keys);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == "missing_key");
    CHECK(opened.error().message.find(key_id_text(kOld.id())) != std::string::npos);
    CHECK(check_store(fixture.database.url(), {.store = fixture.options(keys)}).error().code == "missing_key");
  }
  Fixture::check_all(*fixture.open({kNew, kOld}));
}

TEST_CASE("a store that was not encrypted is read with a key, and sealed by a rotation") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({}));
  const auto before = fixture.file_names();
  {
    const auto store = fixture.open({kNew});
    Fixture::check_all(*store);
    Fixture::append(*store, 100, 1);
    Fixture::put(*store, "new", content(1));  // the same bytes, under another address
  }
  const CheckReport mixed = fixture.check({kNew});
  CHECK(mixed.seals.size() == 2);
  const RotationReport report = fixture.rotate({kNew});
  CHECK(report.rows == 22);
  CHECK(report.files == 1);
  CHECK(report.unreadable == 0);
  CHECK(fixture.check({kNew}).seals.size() == 1);
  Fixture::check_all(*fixture.open({kNew}));
  CHECK(fixture.file_names().size() == 1);
  CHECK(fixture.file_names() != before);
  CHECK(fixture.rotate({kNew}).rows == 0);
}

TEST_CASE("after a rotation the old key may go") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({kOld}));
  const auto before = fixture.file_names();
  Fixture::check_all(*fixture.open({kNew, kOld}));
  const RotationReport report = fixture.rotate({kNew, kOld});
  CHECK(report.rows == 22);
  CHECK(report.files == 1);
  CHECK(report.retired == std::vector{kOld.id()});
  CHECK(report.still_sealing.empty());
  Fixture::check_all(*fixture.open({kNew}));
  const CheckReport checked = fixture.check({kNew});
  REQUIRE(checked.seals.size() == 1);
  CHECK(checked.seals[0].key == kNew.id());
  CHECK(fixture.file_names().size() == 1);
  CHECK(fixture.file_names() != before);
  CHECK(fixture.try_open({kOld}).error().code == "missing_key");
}

TEST_CASE("a rotation that is broken off anywhere is begun again, and all keys are needed until it has ended") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({kOld}));
  bool is_done = false;
  int runs = 0;
  for (; !is_done; ++runs) {
    REQUIRE(runs < 100);
    int steps = 0;
    RotationOptions options{.store = fixture.options({kNew, kOld})};
    options.on_progress = [&](std::string_view, std::int64_t done, std::int64_t total) {
      CHECK(done <= total);
      return ++steps <= runs;
    };
    const auto report = rotate_keys(fixture.database.url(), options);
    is_done = report.ok();
    if (is_done) break;
    CHECK(report.error().code == "broken_off");
    CHECK(fixture.try_open({kNew}).error().code == "missing_key");
    Fixture::check_all(*fixture.open({kNew, kOld}));
  }
  CHECK(runs > 5);
  Fixture::check_all(*fixture.open({kNew}));
  CHECK(fixture.check({kNew}).seals.size() == 1);
}

TEST_CASE("a collector that seals with the old key during a rotation keeps that key needed") {
  const Fixture fixture;
  const auto late = fixture.open({kOld, kNew});
  Fixture::fill(*late);
  int number = 1'000;
  RotationOptions options{.store = fixture.options({kNew, kOld})};
  options.on_progress = [&](std::string_view, std::int64_t, std::int64_t) {
    Fixture::append(*late, number++, 1);
    return true;
  };
  const auto report = rotate_keys(fixture.database.url(), options);
  REQUIRE(report);
  CHECK(report->retired.empty());
  CHECK(report->still_sealing == std::vector{kOld.id()});
  CHECK(fixture.try_open({kNew}).error().code == "missing_key");
  // It is started again with the new key first.
  CHECK(fixture.rotate({kNew, kOld}).retired == std::vector{kOld.id()});
  Fixture::check_all(*fixture.open({kNew}));
  // And once more with the old one, by mistake.
  Fixture::append(*late, number, 1);
  CHECK(fixture.try_open({kNew}).error().code == "missing_key");
}

TEST_CASE("events are read while they are sealed anew, and new ones come") {
  const Fixture fixture;
  const auto store = fixture.open({kNew, kOld});
  { Fixture::fill(*fixture.open({kOld})); }
  std::atomic<bool> is_over{false};
  std::thread working([&] {
    for (int number = 100; !is_over; ++number) {
      Fixture::check_all(*store);
      Fixture::append(*store, number, 1);
      Fixture::put(*store, "i" + std::to_string(number), content(number % 3));
    }
  });
  for (int round = 0; round < 3; ++round) {
    const auto report = rotate_keys(fixture.database.url(), {.store = fixture.options({kNew, kOld})});
    CHECK(report);
  }
  is_over = true;
  working.join();
  Fixture::check_all(*fixture.open({kNew, kOld}));
  CHECK(fixture.rotate({kNew, kOld}).still_sealing.empty());
  CHECK(fixture.check({kNew}).seals.size() == 1);
}

TEST_CASE("bytes that were moved to another event do not open, and check finds them") {
  const Fixture fixture;
  const auto store = fixture.open({kNew});
  Fixture::fill(*store);
  const auto connection = fixture.database.connect();
  sql::Statement swap = connection->prepare(
      "UPDATE event SET data = (SELECT other.data FROM event AS other WHERE other.event_id = ?1) WHERE event_id = ?2");
  const std::string from = sql::event_id_bytes(Fixture::event_id(1));
  const std::string to = sql::event_id_bytes(Fixture::event_id(2));
  swap.bind_blob(from);
  swap.bind_blob(to);
  swap.run();
  CHECK_FALSE(store->find_event(1, Fixture::event_id(2)));
  CHECK(store->find_event(1, Fixture::event_id(1)));
  const CheckOptions deep{.is_deep = true, .store = fixture.options({kNew})};
  CHECK(check_store(fixture.database.url(), deep)->faults() == 1);
  // What cannot be opened stays as it is, and so do the keys that may open it.
  const RotationReport report = fixture.rotate({kOld, kNew});
  CHECK(report.unreadable == 1);
  CHECK(report.retired.empty());
  CHECK(fixture.try_open({kOld}).error().code == "missing_key");
}

TEST_CASE("dictionaries are sealed, as they are made of what events have in common") {
  const Fixture fixture;
  {
    const auto store = fixture.open({kOld});
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    Fixture::append(*store, 0, 1'100);
    Fixture::append(*store, 2'000, 100);
  }
  const auto connection = fixture.database.connect();
  const auto dictionary = [&] {
    sql::Statement row = connection->prepare("SELECT bytes FROM payload_dictionary");
    REQUIRE(row.step());
    return std::string(row.text(0));
  };
  CHECK(sealed_with(dictionary()) == kOld.id());
  const auto read_last = [](Store& store) {
    const auto event = store.find_event(1, Fixture::event_id(2'050));
    REQUIRE_MESSAGE(event, (event ? "" : event.error().message));
    CHECK((*event)->event.payload.find(kMarker) != std::string::npos);
  };
  read_last(*fixture.open({kOld}));
  fixture.rotate({kNew, kOld});
  CHECK(sealed_with(dictionary()) == kNew.id());
  const auto store = fixture.open({kNew});
  read_last(*store);
  Fixture::append(*store, 3'000, 10);
  fixture.check({kNew});
}

TEST_CASE("events of the first schema are sealed with what stood beside their bytes") {
  const Fixture fixture;
  Fixture::fill(*fixture.open({}));
  const auto connection = fixture.database.connect();
  {
    sql::Statement update = connection->prepare("UPDATE event SET data = ?, summary = ? WHERE event_id = ?");
    const std::string data = sql::pack_bytes(R"({"secret":")" + kMarker + "\"}");
    const std::string summary =
        R"([1,3,"","prod","r1","","","id:7","old title","","","",[["key",")" + kMarker + R"("]]])";
    const std::string id = sql::event_id_bytes(Fixture::event_id(3));
    update.bind_blob(data);
    update.bind(std::string_view(summary));
    update.bind_blob(id);
    update.run();
  }
  fixture.rotate({kNew});
  CHECK_FALSE(connection->prepare("SELECT 1 FROM event WHERE summary IS NOT NULL").step());
  const auto store = fixture.open({kNew});
  Fixture::check_all(*store);
  const auto event = store->find_event(1, Fixture::event_id(3));
  CHECK((*event)->event.title == "old title");
  CHECK((*event)->event.tags.at(0).second == kMarker);
}
