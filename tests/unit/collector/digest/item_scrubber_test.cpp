#include "collector/digest/item_scrubber.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  Fixture() { REQUIRE(store->create_project("p", std::string(32, 'a'))); }

  template <class Content>
  Content scrubbed(Content content, const UserKey& key = {}) const {
    ItemScrubber scrubber(*store, key);
    StoredItem item;
    item.project_id = 1;
    item.content = std::move(content);
    std::vector<StoredItem> items = {std::move(item)};
    REQUIRE(scrubber.scrub(items));
    return std::get<Content>(items.front().content);
  }
};

}  // namespace

TEST_CASE("items are scrubbed as events are") {
  const Fixture fixture;
  Transaction transaction;
  transaction.name = "GET /pay?token=s3cr3ts3cr3t&card=4111111111111111";
  transaction.operation = "http.server";
  transaction = fixture.scrubbed(transaction);
  CHECK(transaction.name.find("s3cr3t") == std::string::npos);
  CHECK(transaction.name.find("4111") == std::string::npos);
  CHECK(transaction.name.starts_with("GET /pay?"));
  CHECK(transaction.operation == "http.server");

  UserReport report;
  report.name = "Ada";
  report.email = "ada@example.com";
  report.message = "mail me at ada@example.com";
  report.url = "https://shop.example/?password=hunter2&page=3";
  report.event_id = std::string(32, 'e');
  report = fixture.scrubbed(report);
  CHECK(report.email.find("ada") == std::string::npos);
  CHECK(report.message == "mail me at [email]");
  CHECK(report.url.find("hunter2") == std::string::npos);
  CHECK(report.url.find("page=3") != std::string::npos);
  CHECK(report.event_id == std::string(32, 'e'));

  CheckIn check_in;
  check_in.monitor = "backup";
  check_in.monitor_config = R"({"schedule":{"type":"interval"},"password":"hunter2"})";
  check_in = fixture.scrubbed(check_in);
  CHECK(check_in.monitor == "backup");
  CHECK(check_in.monitor_config.find("hunter2") == std::string::npos);
  CHECK(check_in.monitor_config.find("interval") != std::string::npos);
}

TEST_CASE("a session's user who is told by something private is still told apart from others") {
  const Fixture fixture;
  const auto user = [&](const std::string& did) {
    SessionUpdate session;
    session.user = did;
    return fixture.scrubbed(session).user;
  };
  CHECK(user("ada@example.com").find("ada") == std::string::npos);
  CHECK(user("ada@example.com") == user("ada@example.com"));
  CHECK(user("ada@example.com") != user("bob@example.com"));
  CHECK(user("42") == "42");
  CHECK(user("").empty());
}

TEST_CASE("who lacks the collector's key cannot find a session's user by trying, and the key outlives the process") {
  const Fixture fixture;
  const auto user = [&](const UserKey& key) {
    SessionUpdate session;
    session.user = "ada@example.com";
    return fixture.scrubbed(session, key).user;
  };
  const std::string path = fixture.folder.path("user-key");
  const UserKey key = load_user_key(path).value();
  CHECK(user(key) != user(UserKey{}));
  CHECK(user(key) == user(load_user_key(path).value()));
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  // Half a key is no reason to make strangers of all users.
  std::filesystem::resize_file(path, 16);
  CHECK(load_user_key(path).error().message.find(path) != std::string::npos);
  std::filesystem::remove(path);
  const UserKey next = load_user_key(path).value();
  CHECK(next != key);
  CHECK(load_user_key(fixture.folder.path("missing/user-key")).value() != next);
}

TEST_CASE("items are left as they are where a project wants that") {
  const Fixture fixture;
  REQUIRE(fixture.store->set_digest_settings(1, R"({"scrubbing":{"enabled":false}})"));
  UserReport report;
  report.email = "ada@example.com";
  CHECK(fixture.scrubbed(report).email == "ada@example.com");
}
