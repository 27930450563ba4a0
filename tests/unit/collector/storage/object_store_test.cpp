/// Where the cold archive is: a folder, and a bucket of a server that checks signatures.

#include "collector/storage/archive/object_store.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <sodium.h>
#include <unistd.h>

#include "collector/storage/archive/s3_xml.h"
#include "tests/support/bucket_server.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using trapline::tests::BucketServer;
using trapline::tests::TemporaryFolder;

namespace {

namespace fs = std::filesystem;

ArchiveAddress address_of(const BucketServer& server, const std::string& url = "s3://cold/trapline") {
  return {.url = url,
          .endpoint = server.endpoint(),
          .region = std::string(BucketServer::kRegion),
          .credentials = {std::string(BucketServer::kAccessKey), std::string(BucketServer::kSecretKey), ""}};
}

/// What holds for any of them.
void check_keeps_objects(ObjectStore& objects) {
  const auto put = [&](const std::string& name, const std::string& bytes) {
    const auto status = objects.put(name, bytes);
    REQUIRE_MESSAGE(status, (status ? "" : status.error().message));
  };
  CHECK(objects.list("events/")->empty());
  CHECK_FALSE(objects.get("events/2026-01-02/manifest.json")->has_value());
  CHECK_FALSE(*objects.exists("events/2026-01-02/manifest.json"));
  std::string bytes(300'000, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  for (const char* name : {"events/2026-01-03/b.zst", "events/2026-01-02/a.zst", "events/2026-01-02/manifest.json",
                           "events/2026-01-02/c.zst", "other/x", "events/2026-01-03/a.zst"}) {
    put(name, bytes);
  }
  put("events/2026-01-02/empty", "");
  put("events/2026-01-02/manifest.json", "{}");
  CHECK(**objects.get("events/2026-01-02/a.zst") == bytes);
  CHECK(**objects.get("events/2026-01-02/manifest.json") == "{}");
  CHECK(objects.get("events/2026-01-02/empty")->value().empty());
  CHECK(*objects.exists("events/2026-01-02/a.zst"));
  CHECK(objects.list("events/2026-01-02/").value() ==
        std::vector<std::string>{"events/2026-01-02/a.zst", "events/2026-01-02/c.zst", "events/2026-01-02/empty",
                                 "events/2026-01-02/manifest.json"});
  CHECK(objects.list("events/")->size() == 6);
  CHECK(**objects.get_first("events/2026-01-02/a.zst", 10) == bytes.substr(0, 10));
  CHECK(**objects.get_first("events/2026-01-02/manifest.json", 10) == "{}");
  CHECK(objects.get_first("events/2026-01-02/empty", 10)->value().empty());
  CHECK_FALSE(objects.get_first("events/2026-01-02/none", 10)->has_value());
  const auto now = trapline::core::system_clock().unix_millis();
  const auto entries = objects.list_entries("events/").value();
  for (const ObjectStore::Entry& entry : entries) {
    CHECK(std::abs(entry.written_at - now) < 60'000);
  }
  REQUIRE(objects.remove("events/2026-01-02/a.zst"));
  REQUIRE(objects.remove("events/2026-01-02/a.zst"));
  CHECK_FALSE(objects.get("events/2026-01-02/a.zst")->has_value());
  CHECK(objects.put("../outside", "x").error().code == "invalid_archive");
}

}  // namespace

TEST_CASE("a folder keeps what is put under a name, and nothing half") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("cold"));
  const auto objects = open_objects({.url = folder.path("cold") + "/", .endpoint = "", .region = ""}).value();
  check_keeps_objects(*objects);
  for (const auto& entry : fs::recursive_directory_iterator(folder.path("cold"))) {
    CHECK_FALSE(entry.path().filename().string().starts_with("."));
  }
}

TEST_CASE("a folder that is not there is not made: the disk may just not be mounted") {
  const TemporaryFolder folder;
  const auto objects = open_objects({.url = folder.path("cold"), .endpoint = "", .region = ""}).value();
  CHECK(objects->put("events/x", "x").error().code == "archive_missing");
  CHECK(objects->list("events/").error().message.find(folder.path("cold")) != std::string::npos);
  CHECK_FALSE(fs::exists(folder.path("cold")));
}

TEST_CASE("a folder that may not be written to is told of") {
  if (geteuid() == 0) {
    MESSAGE("root may write anywhere");
    return;
  }
  const TemporaryFolder folder;
  fs::create_directory(folder.path("cold"));
  fs::permissions(folder.path("cold"), fs::perms::owner_read | fs::perms::owner_exec);
  const auto objects = open_objects({.url = folder.path("cold"), .endpoint = "", .region = ""}).value();
  CHECK(objects->put("events/x", "x").error().code == "archive_refused");
}

TEST_CASE("a bucket keeps what is put under a name, by requests that are signed") {
  BucketServer server;
  const auto objects = open_objects(address_of(server)).value();
  check_keeps_objects(*objects);
  CHECK(server.wrong_signatures() == 0);
  for (const auto& [key, bytes] : server.objects()) CHECK(key.starts_with("trapline/"));
}

TEST_CASE("a bucket without a prefix has the objects at its top") {
  BucketServer server;
  const auto objects = open_objects(address_of(server, "s3://cold")).value();
  REQUIRE(objects->put("events/x", "x"));
  CHECK(objects->list("events/").value() == std::vector<std::string>{"events/x"});
  CHECK(server.objects().contains("events/x"));
}

TEST_CASE("a session's token goes along, and is signed") {
  BucketServer server;
  server.require_session_token("token/+=");
  ArchiveAddress address = address_of(server);
  CHECK(open_objects(address).value()->put("events/x", "x").error().code == "archive_refused");
  address.credentials.session_token = "token/+=";
  CHECK(open_objects(address).value()->put("events/x", "x"));
  CHECK(server.wrong_signatures() == 0);
}

TEST_CASE("what a bucket's server refuses is told with what to do, and never with a secret") {
  BucketServer server;
  ArchiveAddress address = address_of(server);
  address.credentials.secret_key = "wrong-secret";
  const auto refused = open_objects(address).value()->put("events/x", "x");
  CHECK(refused.error().code == "archive_refused");
  CHECK(refused.error().message.find("SignatureDoesNotMatch") != std::string::npos);
  CHECK(refused.error().message.find("AWS_SECRET_ACCESS_KEY") != std::string::npos);
  CHECK(refused.error().message.find("wrong-secret") == std::string::npos);

  const auto other = open_objects(address_of(server, "s3://not-there")).value();
  CHECK(other->put("events/x", "x").error().code == "archive_missing");
  CHECK(other->get("events/x").error().code == "archive_missing");
  CHECK(other->list("events/").error().message.find("there is no bucket") != std::string::npos);

  address = address_of(server);
  address.region = "us-west-2";
  CHECK(open_objects(address).value()->put("events/x", "x").error().code == "archive_refused");

  server.set_full(true);
  CHECK(open_objects(address_of(server)).value()->put("events/x", "x").error().code == "archive_full");
}

TEST_CASE("a server that is busy for a moment is asked again, and one that stays so is given up") {
  BucketServer server;
  const auto objects = open_objects(address_of(server)).value();
  server.fail_next(2, 503);
  CHECK(objects->put("events/x", "x"));
  CHECK(server.requests() == 3);
  server.fail_next(100, 500);
  const auto failed = objects->get("events/x");
  CHECK(failed.error().code == "archive_unavailable");
  CHECK(failed.error().message.find("500") != std::string::npos);
  CHECK(server.requests() == 7);
}

TEST_CASE("who stops waits for no server") {
  std::atomic<bool> is_cancelled{false};
  std::string endpoint;
  {
    BucketServer server;
    endpoint = server.endpoint();
  }
  ArchiveAddress address{.url = "s3://cold", .endpoint = endpoint, .region = "", .credentials = {"a", "b", ""}};
  CHECK(open_objects(address).value()->put("events/x", "x").error().code == "archive_unavailable");
  address.is_cancelled = [&is_cancelled] { return is_cancelled.load(); };
  is_cancelled = true;
  CHECK(open_objects(address).value()->put("events/x", "x").error().message.find("broken off") != std::string::npos);
}

TEST_CASE("an address that makes no sense is refused with what it should be") {
  const auto code_of = [](const ArchiveAddress& address) {
    const auto opened = open_objects(address);
    return opened ? std::string() : opened.error().code;
  };
  const BucketCredentials key{"a", "b", ""};
  for (const char* url : {"", "s3://", "s3://a//b", "s3://a/../b", "s3://a b", "gs://a", "s3://a/b?c"}) {
    CHECK_MESSAGE(code_of({.url = url, .endpoint = "", .region = "", .credentials = key}) == "invalid_archive", url);
  }
  for (const char* endpoint : {"127.0.0.1:9000", "ftp://a", "http://", "http://a/b", "http://user@a"}) {
    CHECK_MESSAGE(
        code_of({.url = "s3://a", .endpoint = endpoint, .region = "", .credentials = key}) == "invalid_archive",
        endpoint);
  }
  CHECK(code_of({.url = "s3://a", .endpoint = "", .region = "eu:1", .credentials = key}) == "invalid_archive");
  CHECK(open_objects({.url = "s3://a", .endpoint = "", .region = ""}).error().message.find("AWS_ACCESS_KEY_ID") !=
        std::string::npos);
  CHECK(code_of(
            {.url = "s3://a/b-c_d.e/f/", .endpoint = "https://s3.example.com:9000/", .region = "", .credentials = key})
            .empty());
}

TEST_CASE("texts of XML elements are found and unescaped, and what is no XML has none") {
  CHECK(xml_texts("<a><Key>x&amp;y&lt;&gt;&quot;&apos;</Key><b/><Key>z</Key></a>", "Key") ==
        std::vector<std::string>{"x&y<>\"'", "z"});
  CHECK(xml_texts("<Key>x", "Key").empty());
  CHECK(xml_text("not found", "Code").empty());
  CHECK(xml_text("<Code>&amp</Code>", "Code") == "&amp");
}
