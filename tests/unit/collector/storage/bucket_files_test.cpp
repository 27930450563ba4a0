/// Attachments in a bucket: as in a folder, on both engines, and when the bucket does not answer.

#include "collector/storage/files/bucket_files.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/consistency.h"
#include "collector/storage/files/directory_files.h"
#include "collector/storage/migrate_store.h"
#include "collector/storage/open_store.h"
#include "tests/support/bucket_server.h"
#include "tests/support/noise.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using trapline::tests::BucketServer;
using trapline::tests::noise;
using trapline::tests::TemporaryFolder;
using trapline::tests::TestDatabase;

namespace {

constexpr const char* kPlace = "s3://cold/attachments";

BucketAccess access_to(const BucketServer& server) {
  return {server.endpoint(),
          std::string(BucketServer::kRegion),
          {std::string(BucketServer::kAccessKey), std::string(BucketServer::kSecretKey), ""}};
}

struct Fixture {
  BucketServer server;
  TestDatabase database;
  std::vector<EncryptionKey> keys;
  std::unique_ptr<Store> store;
  ProjectId project = 0;

  explicit Fixture(std::vector<EncryptionKey> with_keys = {}) : keys(std::move(with_keys)) {
    store = open_store(database.url(), trapline::core::system_clock(), options()).value();
    project = store->create_project("shop", std::string(32, 'a'))->id;
  }
  [[nodiscard]] StoreOptions options() const { return {kPlace, keys, access_to(server)}; }
  [[nodiscard]] Status put(const std::string& id, const std::string& bytes) const {
    const StoredItem item{id, project, 5, Attachment{"e", "f", "t", "event.attachment", bytes}};
    return store->append_items(std::span(&item, 1));
  }
  [[nodiscard]] std::string get(const std::string& id) const {
    const auto item = store->find_attachment(project, id);
    REQUIRE_MESSAGE(item, (item ? "" : item.error().message));
    REQUIRE(*item);
    return std::get<Attachment>((*item)->content).bytes;
  }
  void remove(const std::string& id) const {
    const auto connection = database.connect();
    sql::Transaction transaction(*connection);
    connection->prepare("DELETE FROM attachment WHERE item_id = ?").bind(std::string_view(id)).run();
    transaction.commit();
  }
  void sweep() const {
    while (store->sweep_files().value()) {
    }
  }
  [[nodiscard]] std::int64_t faults() const {
    return check_store(database.url(), {.is_deep = true, .store = options()})->faults();
  }
};

/// What holds for any of them.
void check_keeps_files(FileStore& files) {
  const std::string address(64, 'a');
  const std::string other = std::string(63, 'a') + "b";
  CHECK_FALSE(files.contains(address));
  CHECK_FALSE(files.get(address));
  CHECK_FALSE(files.head(address, 3));
  files.put(address, noise(1));
  files.put(address, noise(1));
  files.put(other, "");
  CHECK(files.contains(address));
  CHECK(files.contains_lasting(address));
  CHECK(*files.get(address) == noise(1));
  CHECK(*files.head(address, 3) == noise(1).substr(0, 3));
  CHECK(files.get(other)->empty());
  CHECK(files.head(other, 3)->empty());
  std::vector<std::string> addresses;
  files.list([&](const FileStore::Entry& entry) { addresses.push_back(entry.address); });
  CHECK(addresses.size() == 2);
  {
    const auto hold = files.hold();
    CHECK(hold != nullptr);
  }
  files.remove(address);
  files.remove(address);
  CHECK_FALSE(files.contains(address));
  CHECK_THROWS(files.put("../outside", "x"));
}

}  // namespace

TEST_CASE("a folder and a bucket keep files alike") {
  const TemporaryFolder folder;
  DirectoryFiles in_folder(folder.path("files"));
  check_keeps_files(in_folder);
  const BucketServer server;
  const BucketAccess access = access_to(server);
  BucketFiles in_bucket({kPlace, access.endpoint, access.region, access.credentials}, folder.path("lock"));
  check_keeps_files(in_bucket);
  CHECK(server.objects().contains("attachments/files/aa/" + std::string(61, 'a') + "b"));
  CHECK(server.wrong_signatures() == 0);
  const auto hold = in_bucket.hold();
  CHECK(in_bucket.hold() == nullptr);
}

TEST_CASE("the same attachment is one object, which goes with the last that names it") {
  const Fixture fixture;
  for (const char* id : {"1", "2"}) REQUIRE(fixture.put(id, noise(1)));
  REQUIRE(fixture.put("3", noise(3)));
  CHECK(fixture.server.objects().size() == 2);
  CHECK(fixture.get("2") == noise(1));
  fixture.remove("1");
  fixture.sweep();
  CHECK(fixture.get("2") == noise(1));
  fixture.remove("2");
  fixture.sweep();
  CHECK(fixture.server.objects().size() == 1);
  CHECK(fixture.get("3") == noise(3));
  CHECK(fixture.faults() == 0);
}

TEST_CASE("as long as the bucket cannot be used nothing is taken for stored, and then all of it is") {
  Fixture fixture;
  fixture.server.fail_next(4, 503);
  const Status status = fixture.put("1", noise(1));
  REQUIRE_FALSE(status);
  CHECK_MESSAGE(status.error().message.find("s3://cold/attachments") != std::string::npos, status.error().message);
  CHECK_FALSE(*fixture.store->find_attachment(fixture.project, "1"));
  REQUIRE(fixture.put("1", noise(1)));
  CHECK(fixture.get("1") == noise(1));
  fixture.server.set_full(true);
  CHECK(fixture.put("2", noise(2)).error().message.find("give it room") != std::string::npos);
  fixture.server.set_full(false);
  REQUIRE(fixture.put("2", noise(2)));
  CHECK(fixture.faults() == 0);
}

TEST_CASE("check tells an attachment whose object is gone, and objects that nothing names") {
  Fixture fixture;
  for (int number = 1; number <= 3; ++number) REQUIRE(fixture.put(std::to_string(number), noise(number)));
  const auto names = fixture.server.objects();
  fixture.server.lose(names.begin()->first);
  CHECK(fixture.faults() == 1);
  int found = 0;
  for (const char* id : {"1", "2", "3"}) found += fixture.store->find_attachment(fixture.project, id).ok() ? 1 : 0;
  CHECK(found == 2);
  const BucketAccess access = access_to(fixture.server);
  BucketFiles files({kPlace, access.endpoint, access.region, access.credentials}, "");
  files.put(std::string(64, 'f'), "nobody's");
  CHECK(fixture.faults() == 1);  // it may be named in a moment
  fixture.server.age(7 * 24 * 3'600);
  CHECK(fixture.faults() == 2);
}

TEST_CASE("objects of an encrypted store are sealed") {
  const Fixture fixture({EncryptionKey::parse(std::string(64, '1')).value()});
  const std::string secret = "a text that nobody is to read, " + noise(1);
  REQUIRE(fixture.put("1", secret));
  REQUIRE(fixture.server.objects().size() == 1);
  CHECK(fixture.server.objects().begin()->second.find("nobody is to read") == std::string::npos);
  CHECK(fixture.get("1") == secret);
}

TEST_CASE("a move takes files from a folder into a bucket") {
  const BucketServer server;
  const TemporaryFolder folder;
  const std::string from = "sqlite:" + folder.path("from.db");
  {
    const auto store = open_store(from).value();
    const ProjectId project = store->create_project("shop", std::string(32, 'a'))->id;
    const StoredItem item{"1", project, 5, Attachment{"e", "f", "t", "a", noise(1)}};
    REQUIRE(store->append_items(std::span(&item, 1)));
  }
  const std::string to = "sqlite:" + folder.path("to.db");
  MigrationOptions options;
  options.from = from;
  options.to = to;
  options.to_files = kPlace;
  options.bucket = access_to(server);
  const auto report = migrate_store(options);
  REQUIRE_MESSAGE(report, (report ? "" : report.error().message));
  CHECK(server.objects().size() == 1);
  const auto store = open_store(to, trapline::core::system_clock(), {kPlace, {}, access_to(server)}).value();
  CHECK(std::get<Attachment>(store->find_attachment(1, "1").value()->content).bytes == noise(1));
}

TEST_CASE("a bucket without a key, or with a name that makes no sense, is told with the option's name") {
  const TestDatabase database;
  const auto fails = [&](const StoreOptions& options) {
    const auto store = open_store(database.url(), trapline::core::system_clock(), options);
    REQUIRE_FALSE(store);
    return store.error().message;
  };
  CHECK(fails({"s3://cold", {}, {}}).find("--files s3://cold needs AWS_ACCESS_KEY_ID") != std::string::npos);
  CHECK(fails({"s3://no such bucket", {}, {}}).find("--files takes s3://BUCKET") != std::string::npos);
  CHECK(fails({"s3://cold", {}, {"ftp://x", "", {"a", "b", ""}}}).find("--files-endpoint") != std::string::npos);
}
