/// Backups of a SQLite store: made while it is written to, refused when they are damaged, put back.

#include "collector/storage/backup.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/storage/consistency.h"
#include "collector/storage/file_lock.h"
#include "collector/storage/open_store.h"
#include "collector/storage/sqlite/connection.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using trapline::tests::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

constexpr UnixMillis kNow = 1795223297698;

DigestedEvent numbered(int number) {
  DigestedEvent event;
  event.project_id = 1;
  event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + number);
  event.received_at = kNow + number;
  event.timestamp = kNow + number;
  event.fingerprint = "f" + std::to_string(number % 7);
  event.user = "id:" + std::to_string(number % 50);
  // Not to be compressed: some hundred events are more than one step of a backup.
  std::mt19937 random(static_cast<std::mt19937::result_type>(number));
  std::string filler;
  for (int letter = 0; letter < 4'000; ++letter) filler += static_cast<char>('a' + random() % 26);
  event.payload = R"({"filler":")" + filler + "\"}";
  return event;
}

void write(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A data folder as a collector leaves it, with 500 events, and one in the spool.
struct Fixture {
  TemporaryFolder folder;
  std::string data = folder.path("data");
  std::string backup = folder.path("backup");
  std::unique_ptr<Store> store;

  Fixture() {
    fs::create_directories(data + "/spool");
    write(data + "/user-key", "secret");
    write(data + "/spool/position", "p");
    write(data + "/spool/0001.segment", "an event");
    write(data + "/lock", "");
    store = open_store("sqlite:" + data + "/trapline.db").value();
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    append(0, 500);
  }
  void append(int first, int count) const {
    std::vector<DigestedEvent> events;
    for (int number = first; number < first + count; ++number) events.push_back(numbered(number));
    REQUIRE(store->append(events));
  }
  BackupOptions options() const {
    BackupOptions options;
    options.database = data + "/trapline.db";
    options.data = data;
    options.backup = backup;
    options.made_by = "1.2.3";
    return options;
  }
  BackupOptions into(const std::string& name) const {
    BackupOptions to = options();
    to.data = folder.path(name);
    to.database = to.data + "/trapline.db";
    return to;
  }
};

std::int64_t number_from(const std::string& path, const std::string& sql) {
  sqlite::Connection connection(path);
  sqlite::Statement statement = connection.prepare(sql);
  REQUIRE(statement.step());
  return statement.integer(0);
}

}  // namespace

TEST_CASE("a backup has the database, what waits in the spool and the user key, and is put back as it was") {
  const Fixture fixture;
  const auto made = make_backup(fixture.options());
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
  CHECK(made->made_by == "1.2.3");
  CHECK(made->files.size() == 5);
  CHECK_FALSE(fs::exists(fixture.backup + ".part"));
  CHECK_FALSE(fs::exists(fixture.backup + "/lock"));
  CHECK(fs::status(fixture.backup).permissions() == fs::perms::owner_all);
  CHECK(check_store("sqlite:" + fixture.backup + "/trapline.db", {.is_deep = true})->faults() == 0);

  const auto to = fixture.into("new/folder");
  const auto restored = restore_backup(to);
  REQUIRE_MESSAGE(restored, (restored ? "" : restored.error().message));
  CHECK(read(to.data + "/user-key") == "secret");
  CHECK(read(to.data + "/spool/0001.segment") == "an event");
  CHECK(open_store("sqlite:" + to.database).value()->find_events({.limit = 1'000})->items.size() == 500);
  for (const fs::directory_entry& entry : fs::directory_iterator(to.data)) CHECK(entry.path().extension() != ".part");
}

TEST_CASE("a backup made while events are stored is one moment of it: all events up to one, and counters that fit") {
  const Fixture fixture;
  std::atomic<bool> is_over = false;
  std::atomic<int> stored = 500;
  std::thread writer([&] {
    for (int first = 500; !is_over && first < 100'000; first += 20) {
      fixture.append(first, 20);
      stored = first + 20;
    }
  });
  while (stored < 600) std::this_thread::yield();
  for (int round = 0; round < 3; ++round) {
    const int before = stored;
    BackupOptions options = fixture.options();
    options.replaces = true;
    // The writer goes on while pages are copied.
    int seen = 0;
    options.on_progress = [&](std::uint64_t, std::uint64_t) {
      if (seen != 0) return;
      seen = stored;
      while (stored < seen + 40) std::this_thread::yield();
    };
    const auto made = make_backup(options);
    REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
    const std::string copy = fixture.backup + "/trapline.db";
    const auto report = check_store("sqlite:" + copy, {.is_deep = true});
    REQUIRE(report);
    CHECK(report->faults() == 0);
    const std::int64_t count = number_from(copy, "SELECT count(*) FROM event");
    CHECK(count >= before);
    CHECK(seen > 0);
    CHECK(count <= seen + 20);  // one batch may be stored and not noted yet
    CHECK(number_from(copy, "SELECT max(id) >> 20 FROM event") == kNow + count - 1);
  }
  is_over = true;
  writer.join();
}

TEST_CASE("a backup is not written over, unless that is wanted, and over nothing else") {
  const Fixture fixture;
  BackupOptions options = fixture.options();
  REQUIRE(make_backup(options));
  fixture.append(500, 100);
  CHECK(make_backup(options).error().code == "exists");
  CHECK(number_from(fixture.backup + "/trapline.db", "SELECT count(*) FROM event") == 500);
  options.replaces = true;
  REQUIRE(make_backup(options));
  CHECK(number_from(fixture.backup + "/trapline.db", "SELECT count(*) FROM event") == 600);
  CHECK_FALSE(fs::exists(fixture.backup + ".old"));
  // What an interrupted one left is no hindrance.
  fs::create_directories(fixture.backup + ".part/spool");
  write(fixture.backup + ".part/trapline.db", "half");
  REQUIRE(make_backup(options));

  options.backup = fixture.folder.path("mine");
  fs::create_directories(options.backup);
  write(options.backup + "/letters", "dear");
  CHECK(make_backup(options).error().code == "exists");
  CHECK(fs::exists(options.backup + "/letters"));
  options.backup = fixture.folder.path("other");
  fs::create_directories(options.backup + ".part");
  write(options.backup + ".part/letters", "dear");
  CHECK(make_backup(options).error().code == "exists");
  CHECK(fs::exists(options.backup + ".part/letters"));
}

TEST_CASE("a backup of nothing, or of a damaged database, leaves nothing") {
  const Fixture fixture;
  BackupOptions options = fixture.options();
  options.database = fixture.data + "/none.db";
  CHECK(make_backup(options).error().code == "not_found");
  CHECK_FALSE(fs::exists(options.database));
  options.database = fixture.folder.path("bad.db");
  { REQUIRE(open_store("sqlite:" + options.database)); }
  std::int64_t page = 0;
  {
    sqlite::Connection connection(options.database);
    sqlite::Statement root = connection.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'issue_history'");
    REQUIRE(root.step());
    page = root.integer(0);
  }
  {
    constexpr std::int64_t kPageBytes = 4'096;
    std::fstream file(options.database, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp((page - 1) * kPageBytes);
    file << std::string(kPageBytes, 'x');
  }
  const auto made = make_backup(options);
  REQUIRE_FALSE(made);
  CHECK(made.error().message.find("damaged") != std::string::npos);
  CHECK_FALSE(fs::exists(fixture.backup));
  CHECK_FALSE(fs::exists(fixture.backup + ".part"));
}

TEST_CASE("a damaged or incomplete backup is refused, and nothing is put into place") {
  const Fixture fixture;
  REQUIRE(make_backup(fixture.options()));
  const std::string manifest = fixture.backup + "/manifest.json";
  std::string word = "damaged";
  SUBCASE("a byte of the database") {
    std::fstream file(fixture.backup + "/trapline.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5'000);
    file.put('~');
  }
  SUBCASE("a shorter file") { fs::resize_file(fixture.backup + "/spool/0001.segment", 3); }
  SUBCASE("a missing file") {
    fs::remove(fixture.backup + "/user-key");
    word = "incomplete";
  }
  SUBCASE("no manifest") {
    fs::remove(manifest);
    word = "no backup";
  }
  SUBCASE("a manifest that is cut off") {
    fs::resize_file(manifest, 30);
    word = "cannot be read";
  }
  SUBCASE("a manifest that names files elsewhere") {
    auto changed = nlohmann::json::parse(read(manifest));
    changed["files"][0]["name"] = "spool/../../stolen";
    write(manifest, changed.dump());
    word = "which no backup has";
  }
  const auto to = fixture.into("new");
  const auto restored = restore_backup(to);
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == "invalid_backup");
  CHECK_MESSAGE(restored.error().message.find(word) != std::string::npos, restored.error().message);
  CHECK_FALSE(fs::exists(to.database));
  CHECK_FALSE(fs::exists(to.data + "/spool"));
  CHECK_FALSE(fs::exists(to.database + ".part"));
}

TEST_CASE("a backup by a newer schema is refused") {
  const Fixture fixture;
  REQUIRE(make_backup(fixture.options()));
  auto manifest = nlohmann::json::parse(read(fixture.backup + "/manifest.json"));
  manifest["schema_version"] = 999;
  write(fixture.backup + "/manifest.json", manifest.dump());
  const auto restored = restore_backup(fixture.into("new"));
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == "schema_too_new");
  CHECK(restored.error().message.find("999") != std::string::npos);
}

TEST_CASE("what is there is not restored over, unless that is wanted, and then it is kept") {
  Fixture fixture;
  REQUIRE(make_backup(fixture.options()));
  fixture.append(500, 100);
  write(fixture.data + "/user-key", "another");
  BackupOptions options = fixture.options();
  CHECK(restore_backup(options).error().code == "exists");
  options.replaces = true;
  {
    const auto lock = FileLock::take(fixture.data + "/lock");
    REQUIRE(lock);
    CHECK(restore_backup(options).error().code == "data_in_use");
  }
  REQUIRE(fixture.store->claim("node"));
  CHECK(restore_backup(options).error().code == "data_in_use");
  fixture.store.reset();
  const auto restored = restore_backup(options);
  REQUIRE_MESSAGE(restored, (restored ? "" : restored.error().message));
  CHECK(number_from(options.database, "SELECT count(*) FROM event") == 500);
  CHECK(number_from(options.database + ".before-restore", "SELECT count(*) FROM event") == 600);
  CHECK(read(fixture.data + "/user-key") == "secret");
  CHECK(read(fixture.data + "/user-key.before-restore") == "another");
  // Not over what is kept.
  CHECK(restore_backup(options).error().code == "exists");
}

TEST_CASE("what stands in the log of a database that is replaced is kept with it, and does not get into the new one") {
  Fixture fixture;
  REQUIRE(make_backup(fixture.options()));
  fixture.append(500, 100);
  // As a kill leaves it: the last events are in the log only.
  fs::copy_file(fixture.data + "/trapline.db", fixture.folder.path("db"));
  fs::copy_file(fixture.data + "/trapline.db-wal", fixture.folder.path("wal"));
  fixture.store.reset();
  BackupOptions options = fixture.options();
  options.replaces = true;
  fs::rename(fixture.folder.path("db"), options.database);
  fs::rename(fixture.folder.path("wal"), options.database + "-wal");
  const auto restored = restore_backup(options);
  REQUIRE_MESSAGE(restored, (restored ? "" : restored.error().message));
  CHECK(number_from(options.database, "SELECT count(*) FROM event") == 500);
  CHECK(number_from(options.database + ".before-restore", "SELECT count(*) FROM event") == 600);
}

TEST_CASE("what stands in the log of a database that is gone does not get into the one that is restored") {
  Fixture fixture;
  REQUIRE(make_backup(fixture.options()));
  fixture.append(500, 100);
  fs::copy_file(fixture.data + "/trapline.db-wal", fixture.folder.path("wal"));
  fixture.store.reset();
  BackupOptions options = fixture.options();
  options.replaces = true;
  fs::remove(options.database);
  fs::rename(fixture.folder.path("wal"), options.database + "-wal");
  const auto restored = restore_backup(options);
  REQUIRE_MESSAGE(restored, (restored ? "" : restored.error().message));
  CHECK(number_from(options.database, "SELECT count(*) FROM event") == 500);
  CHECK_FALSE(fs::exists(options.database + "-wal"));
}

TEST_CASE("a backup has the files of attachments, and is put back with them") {
  const Fixture fixture;
  const auto attachment = [](int number) {
    const std::string bytes = numbered(number).payload;  // not to be compressed
    return StoredItem{"item " + std::to_string(number), 1, kNow, Attachment{"e", "f", "t", "event.attachment", bytes}};
  };
  REQUIRE(fixture.store->append_items(std::vector{attachment(1), attachment(2)}));
  const auto made = make_backup(fixture.options());
  REQUIRE_MESSAGE(made, (made ? "" : made.error().message));
  CHECK(std::count_if(made->files.begin(), made->files.end(),
                      [](const BackupManifest::File& file) { return file.name.starts_with("files/"); }) == 2);
  const BackupOptions to = fixture.into("other");
  const auto restored = restore_backup(to);
  REQUIRE_MESSAGE(restored, (restored ? "" : restored.error().message));
  const auto store = open_store("sqlite:" + to.database).value();
  const auto found = store->find_attachment(1, "item 2");
  REQUIRE(found);
  CHECK(std::get<Attachment>((*found)->content).bytes == numbered(2).payload);
  CHECK(check_store("sqlite:" + to.database, {.is_deep = true})->faults() == 0);

  SUBCASE("one that is damaged is refused") {
    for (const auto& file : fs::recursive_directory_iterator(fixture.backup + "/files")) {
      if (file.is_regular_file()) write(file.path().string(), "x");
    }
    CHECK(restore_backup(fixture.into("third")).error().code == "invalid_backup");
    CHECK_FALSE(fs::exists(fixture.folder.path("third") + "/trapline.db.files"));
  }
  SUBCASE("what is there already is kept beside") {
    BackupOptions again = to;
    again.replaces = true;
    const auto replaced = restore_backup(again);
    REQUIRE_MESSAGE(replaced, (replaced ? "" : replaced.error().message));
    CHECK(fs::exists(to.database + ".files.before-restore"));
    CHECK(check_store("sqlite:" + to.database, {.is_deep = true})->faults() == 0);
  }
}

TEST_CASE("a backup that is made while files come and go has each file that its database names") {
  const Fixture fixture;
  std::atomic<bool> is_over{false};
  std::thread working([&] {
    for (int number = 0; !is_over; ++number) {
      const StoredItem item{"i" + std::to_string(number), 1, kNow,
                            Attachment{"e", "f", "t", "a", numbered(number % 40).payload}};
      CHECK(fixture.store->append_items(std::span(&item, 1)));
      if (number % 5 == 4) {
        sqlite::Connection(fixture.data + "/trapline.db").execute("DELETE FROM attachment");
        CHECK(fixture.store->sweep_files());
      }
    }
  });
  for (int round = 0; round < 5; ++round) {
    BackupOptions options = fixture.options();
    options.replaces = true;
    const auto made = make_backup(options);
    CHECK_MESSAGE(made, (made ? "" : made.error().message));
    const BackupOptions to = fixture.into("r" + std::to_string(round));
    REQUIRE(restore_backup(to));
    CHECK(check_store("sqlite:" + to.database, {.is_deep = true})->faults() == 0);
  }
  is_over = true;
  working.join();
}
