/// Attachments in files: where their bytes are, that the same bytes are there once, and that no file is left or lost,
/// whatever happens in between.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/files/directory_files.h"
#include "collector/storage/open_store.h"
#include "collector/storage/sql/event_codec.h"
#include "collector/storage/sql/file_sweep.h"
#include "tests/support/noise.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::noise;

namespace {

namespace fs = std::filesystem;

struct Fixture {
  trapline::tests::TestDatabase database;
  trapline::tests::TemporaryFolder folder;
  std::string files = folder.path("files");
  std::unique_ptr<Store> store = open();
  ProjectId project = store->create_project("shop", std::string(32, 'a'))->id;

  std::unique_ptr<Store> open(const trapline::core::Clock& clock = trapline::core::system_clock()) const {
    return open_store(database.url(), clock, {files, {}}).value();
  }
  void put(const std::string& id, const std::string& bytes, ProjectId into = 0) const {
    const StoredItem item{id, into == 0 ? project : into, 5, Attachment{"e", "f", "t", "event.attachment", bytes}};
    const Status status = store->append_items(std::span(&item, 1));
    REQUIRE_MESSAGE(status, (status ? "" : status.error().message));
  }
  std::string get(const std::string& id, ProjectId from = 0) const {
    const auto item = store->find_attachment(from == 0 ? project : from, id);
    REQUIRE_MESSAGE(item, (item ? "" : item.error().message));
    REQUIRE(*item);
    return std::get<Attachment>((*item)->content).bytes;
  }
  std::vector<fs::path> paths() const {
    std::vector<fs::path> found;
    if (!fs::exists(files)) return found;
    for (const auto& entry : fs::recursive_directory_iterator(files)) {
      if (entry.is_regular_file() && entry.path().filename() != "lock") found.push_back(entry.path());
    }
    return found;
  }
  std::int64_t number(const std::string& sql) const {
    const auto connection = database.connect();
    sql::Statement row = connection->prepare(sql);
    REQUIRE(row.step());
    return row.integer(0);
  }
  void run(const std::string& sql) const { database.connect()->execute(sql); }
  /// Until nothing is left to do.
  void sweep() const {
    while (store->sweep_deleted_projects().value()) {
    }
    while (store->sweep_files().value()) {
    }
  }
  std::int64_t faults(const std::string& what, CheckOptions options = {}) const {
    options.store.files = files;
    const auto report = check_store(database.url(), options);
    REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
    for (const CheckFinding& finding : report->findings) {
      if (finding.what == what) return finding.faults;
    }
    return -1;
  }
  std::int64_t all_faults(CheckOptions options = {}) const {
    options.store.files = files;
    return check_store(database.url(), options)->faults();
  }
  /// In words.
  std::string all_findings(CheckOptions options = {}) const {
    options.store.files = files;
    const auto report = check_store(database.url(), options).value();
    std::string text;
    for (const CheckFinding& finding : report.findings) {
      if (finding.faults > 0)
        text += finding.what + ": " + (finding.examples.empty() ? "" : finding.examples.front()) + "\n";
    }
    return text;
  }
};

void write(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
/// As if it had been written so long ago.
void age(const fs::path& path, std::chrono::hours by) { fs::last_write_time(path, fs::last_write_time(path) - by); }

}  // namespace

TEST_CASE("the same bytes are kept in one file, however often they come") {
  const Fixture fixture;
  fixture.put("1", noise(1));
  fixture.put("2", noise(1));
  fixture.put("3", noise(2));
  fixture.put("1", noise(1));
  CHECK(fixture.paths().size() == 2);
  CHECK(fixture.number("SELECT count(*) FROM stored_file") == 2);
  CHECK(fixture.number("SELECT size FROM stored_file ORDER BY id LIMIT 1") == 5'000);
  CHECK(fixture.number("SELECT count(*) FROM attachment WHERE length(bytes) > 0") == 0);
  CHECK(fixture.get("1") == noise(1));
  CHECK(fixture.get("2") == noise(1));
  CHECK(fixture.get("3") == noise(2));
  CHECK(fixture.all_faults({.is_deep = true}) == 0);
}

TEST_CASE("small attachments stay in the database") {
  const Fixture fixture;
  fixture.put("1", "a note");
  fixture.put("2", "");
  fixture.put("3", std::string(100'000, 'a'));  // compressed they are few
  CHECK(fixture.paths().empty());
  CHECK(fixture.get("1") == "a note");
  CHECK(fixture.get("2").empty());
  CHECK(fixture.get("3") == std::string(100'000, 'a'));
}

TEST_CASE("attachments that are older than files stay readable") {
  const Fixture fixture;
  const auto connection = fixture.database.connect();
  sql::Statement insert = connection->prepare(
      "INSERT INTO attachment (item_id, project_id, event_id, received_at, filename, content_type, attachment_type, "
      "bytes) VALUES ('old', ?, 'e', 1, 'f', 't', 'a', ?)");
  const std::string packed = sql::pack_bytes(noise(1));
  insert.bind(fixture.project);
  insert.bind_blob(packed);
  insert.run();
  CHECK(fixture.get("old") == noise(1));
  CHECK(fixture.all_faults({.is_deep = true}) == 0);
}

TEST_CASE("a file goes with the last attachment that has it") {
  const Fixture fixture;
  const ProjectId other = fixture.store->create_project("other", std::string(32, 'b'))->id;
  fixture.put("1", noise(1));
  fixture.put("2", noise(1), other);
  fixture.put("3", noise(2));
  REQUIRE(fixture.store->delete_project(fixture.project));
  fixture.sweep();
  CHECK(fixture.paths().size() == 1);
  CHECK(fixture.get("2", other) == noise(1));
  REQUIRE(fixture.store->delete_project(other));
  fixture.sweep();
  CHECK(fixture.paths().empty());
  CHECK(fixture.number("SELECT count(*) FROM stored_file") == 0);
  CHECK(fixture.number("SELECT count(*) FROM released_file") == 0);
}

TEST_CASE("a file whose last attachment has gone is kept when another one comes before it is removed") {
  const Fixture fixture;
  fixture.put("1", noise(1));
  fixture.run("DELETE FROM attachment");
  fixture.put("2", noise(1));
  fixture.sweep();
  CHECK(fixture.get("2") == noise(1));
  CHECK(fixture.number("SELECT count(*) FROM released_file") == 0);
  CHECK(fixture.all_faults({.is_deep = true}) == 0);
}

TEST_CASE("a file is not removed while somebody copies all of them") {
  const Fixture fixture;
  fixture.put("1", noise(1));
  fixture.run("DELETE FROM attachment");
  {
    const auto hold = DirectoryFiles(fixture.files).hold();
    REQUIRE(hold);
    fixture.sweep();
    CHECK(fixture.paths().size() == 1);
  }
  fixture.sweep();
  CHECK(fixture.paths().empty());
}

TEST_CASE("a kill between removing a file and its row is made good by the next sweep") {
  const Fixture fixture;
  fixture.put("1", noise(1));
  fixture.run("DELETE FROM attachment");
  fs::remove(fixture.paths().at(0));
  fixture.put("2", noise(1));  // comes in between
  CHECK(fixture.get("2") == noise(1));
  fixture.run("DELETE FROM attachment");
  fs::remove(fixture.paths().at(0));
  fixture.sweep();
  CHECK(fixture.number("SELECT count(*) FROM stored_file") == 0);
  CHECK(fixture.all_faults() == 0);
}

TEST_CASE("what a kill has left in the folder goes, but nothing that may be on its way into the database") {
  Fixture fixture;
  fixture.put("1", noise(1));
  DirectoryFiles files(fixture.files);
  const std::string old_stray(64, 'a');
  const std::string new_stray(64, 'b');
  files.put(old_stray, "stray");
  files.put(new_stray, "stray");
  const fs::path kept = fixture.paths().at(0);
  write(fs::path(fixture.files) / "aa" / (std::string(62, 'c') + ".part-0011"), "half");
  write(fs::path(fixture.files) / "aa" / (std::string(62, 'd') + ".part-0011"), "half");
  write(fs::path(fixture.files) / "aa" / "notes.txt", "of somebody");
  for (const fs::path& path : fixture.paths()) {
    const std::string name = path.filename().string();
    if (name.starts_with("bb") || name.starts_with("dd")) continue;
    age(path, std::chrono::hours(2));
  }
  CHECK(fixture.faults("files that the database does not know") == 1);
  fixture.sweep();
  CHECK_FALSE(files.contains(old_stray));
  CHECK(files.contains(new_stray));
  CHECK(fixture.get("1") == noise(1));
  CHECK(fixture.paths().size() == 4);
}

TEST_CASE("a file that is removed between its being written and its being named is written again") {
  const Fixture fixture;
  // Takes the write lock first, so that the store has written its file and waits.
  const auto connection = fixture.database.connect();
  fixture.put("0", noise(7));
  for (int round = 0; round < 20; ++round) {
    fixture.run("DELETE FROM attachment");
    std::thread adding([&] { fixture.put(std::to_string(round), noise(7)); });
    DirectoryFiles files(fixture.files);
    sql::sweep_released_files(*connection, files, 10);
    adding.join();
    CHECK(fixture.get(std::to_string(round)) == noise(7));
    CHECK(fixture.paths().size() == 1);
  }
}

TEST_CASE("an attachment of the same bytes finds its file whoever adds and deletes beside it") {
  const Fixture fixture;
  const auto other = fixture.open();
  std::atomic<bool> is_over{false};
  std::thread sweeping([&] {
    const auto connection = fixture.database.connect();
    while (!is_over) {
      {
        sql::Transaction transaction(*connection);
        connection->execute("DELETE FROM attachment WHERE received_at = 5");
        transaction.commit();
      }
      REQUIRE(other->sweep_files());
    }
  });
  for (int round = 0; round < 100; ++round) {
    const std::string id = "k" + std::to_string(round);
    const StoredItem items[] = {
        {"d" + id, fixture.project, 5, Attachment{"e", "f", "t", "a", noise(round % 3)}},
        {id, fixture.project, 6, Attachment{"e", "f", "t", "a", noise(round % 3 + (round % 2) * 10)}}};
    const Status status = fixture.store->append_items(items);
    CHECK_MESSAGE(status, (status ? "" : status.error().message));
    if (round % 10 == 9) {
      const auto connection = fixture.database.connect();
      sql::Transaction transaction(*connection);  // one writes at a time
      connection->execute("DELETE FROM attachment WHERE received_at = 6");
      transaction.commit();
    }
  }
  is_over = true;
  sweeping.join();
  fixture.sweep();
  CHECK(fixture.all_findings({.is_deep = true}) == "");
}

TEST_CASE("check finds files that are missing, damaged or not used, and mends what it can") {
  const Fixture fixture;
  for (int number = 1; number <= 4; ++number) fixture.put(std::to_string(number), noise(number));
  fixture.put("5", noise(1));
  const auto path = [&](const std::string& id) {
    const auto connection = fixture.database.connect();
    sql::Statement row = connection->prepare(
        "SELECT address FROM stored_file WHERE id = (SELECT file_id FROM attachment WHERE item_id = ?)");
    row.bind(std::string_view(id));
    REQUIRE(row.step());
    const std::string address(row.text(0));
    return fs::path(fixture.files) / address.substr(0, 2) / address.substr(2);
  };
  const std::string whole = read(path("2"));
  SUBCASE("missing: the attachments go") {
    fs::remove(path("1"));
    CHECK(fixture.faults("files of attachments that are missing") == 1);
    CHECK(fixture.store->find_attachment(fixture.project, "1").error().message.find("missing") != std::string::npos);
    CHECK(fixture.all_faults({.repairs = true}) == 1);
    CHECK_FALSE(fixture.store->find_attachment(fixture.project, "1")->has_value());
    CHECK_FALSE(fixture.store->find_attachment(fixture.project, "5")->has_value());
    CHECK(fixture.get("2") == noise(2));
  }
  SUBCASE("all missing: nothing is deleted, as the folder may not be the right one") {
    fs::rename(fixture.files, fixture.files + ".away");
    CHECK(fixture.all_faults({.repairs = true}) == 4);
    fs::remove_all(fixture.files);
    fs::rename(fixture.files + ".away", fixture.files);
    CHECK(fixture.get("1") == noise(1));
  }
  SUBCASE("damaged: it stays, for a backup's") {
    write(path("2"), whole.substr(0, whole.size() - 1) + static_cast<char>(whole.back() ^ 1));
    CHECK(fixture.all_faults() == 0);
    CHECK(fixture.faults("files of attachments that are damaged", {.is_deep = true}) == 1);
    CHECK(fixture.all_faults({.repairs = true, .is_deep = true}) == 1);
    write(path("2"), whole);
  }
  SUBCASE("another one's bytes") {
    fs::copy_file(path("3"), path("2"), fs::copy_options::overwrite_existing);
    CHECK(fixture.faults("files of attachments that are damaged", {.is_deep = true}) == 1);
    write(path("2"), whole);
  }
  SUBCASE("rows that nothing names") {
    fixture.run("DELETE FROM attachment WHERE item_id = '4'");
    fixture.run("DELETE FROM released_file");
    CHECK(fixture.faults("files that no attachment names", {.repairs = true}) == 1);
    fixture.sweep();
    CHECK(fixture.paths().size() == 3);
  }
  SUBCASE("attachments whose file has no row") {
    fixture.run("DELETE FROM stored_file WHERE id = (SELECT file_id FROM attachment WHERE item_id = '3')");
    CHECK(fixture.faults("attachments whose file is not known", {.repairs = true}) == 1);
    CHECK_FALSE(fixture.store->find_attachment(fixture.project, "3")->has_value());
  }
  CHECK(fixture.all_faults({.is_deep = true}) == 0);
}

TEST_CASE("no address leads out of the folder") {
  const Fixture fixture;
  DirectoryFiles files(fixture.files);
  for (const std::string& address : {std::string(), std::string("../../etc/passwd"), std::string(64, 'A'),
                                     std::string(63, 'a'), std::string(62, 'a') + "/b", std::string(65, 'a')}) {
    CHECK_THROWS(files.put(address, "x"));
    CHECK_THROWS(files.get(address));
    CHECK_THROWS(files.remove(address));
  }
  CHECK(fixture.paths().empty());
}

TEST_CASE("a folder that cannot be written to is an error that says so, and nothing is stored") {
  const Fixture fixture;
  write(fixture.files, "no folder");
  const StoredItem item{"1", fixture.project, 5, Attachment{"e", "f", "t", "a", noise(1)}};
  const Status status = fixture.store->append_items(std::span(&item, 1));
  REQUIRE_FALSE(status);
  CHECK(status.error().code == "storage");
  CHECK(status.error().message.find(fixture.files) != std::string::npos);
  CHECK_FALSE(fixture.store->find_attachment(fixture.project, "1")->has_value());
}
