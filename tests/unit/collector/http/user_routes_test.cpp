/// What users of programs may ask for, by the API: their data, or that it be erased.

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/digest/stored_payload.h"
#include "collector/http/api_routes.h"
#include "collector/http/body_source.h"
#include "collector/http/dispatcher.h"
#include "collector/http/user_purges.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  Accounts accounts{*store};
  StoredPayloadReader payloads{UserKey{}};
  UserPurges purges{*store, payloads};
  std::unique_ptr<Dispatcher> dispatcher;
  std::string token = accounts.create_token("dpo", TokenScope::kAdmin).value();
  int made = 0;

  Fixture() {
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    Router router;
    add_api_routes(router, {*store, accounts, std::make_shared<std::string>("http://h"), nullptr,
                            trapline::core::system_clock(), &payloads, &purges});
    dispatcher = std::make_unique<Dispatcher>(std::move(router), intake, std::vector<AddressRange>{}, 0);
    append("ada's", R"({"id":42,"email":"ada@example.com"})");
    append("bob's", R"({"id":7})");
  }

  void append(const std::string& title, const std::string& user) {
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(24, 'a') + std::to_string(10'000'000 + ++made);
    event.received_at = event.timestamp = kNow + made;
    event.fingerprint = event.title = title;
    event.payload = R"({"user":)" + user + "}";
    REQUIRE(store->append(std::span(&event, 1)));
  }

  HttpReply ask(const std::string& method, const std::string& target, const std::string& body = "") const {
    RequestHead head{.method = method, .target = target};
    head.headers["authorization"] = "Bearer " + token;
    head.headers["content-type"] = "application/json";
    return dispatcher->answer(head, body, "127.0.0.1");
  }
  /// The purge when it has ended.
  json purge(const std::string& body) const {
    const HttpReply begun = ask("POST", "/api/v1/users/purges", body);
    REQUIRE_MESSAGE(begun.status == 202, begun.body);
    json purge = json::parse(begun.body);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (purge["state"] == "running") {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      std::this_thread::yield();
      purge = json::parse(ask("GET", "/api/v1/users/purges/" + purge["id"].get<std::string>()).body);
    }
    return purge;
  }
  std::string error_of(const std::string& target, const std::string& body) const {
    const HttpReply reply = ask("POST", target, body);
    CHECK(reply.status >= 400);
    CHECK(reply.status < 500);
    return json::parse(reply.body)["error"]["code"];
  }
  [[nodiscard]] std::size_t events() const { return store->find_events({.limit = 100})->items.size(); }
};

}  // namespace

TEST_CASE("a purge goes on behind the answer, and ends with a report that is what was signed") {
  const Fixture fixture;
  const json dry = fixture.purge(R"({"user":["email:ada@example.com"],"dry_run":true})");
  CHECK(dry["state"] == "done");
  CHECK(dry["counts"]["events"] == 1);
  CHECK(dry["report"].is_null());
  CHECK(fixture.events() == 2);

  const json purge = fixture.purge(R"({"user":["email:ada@example.com"],"project_id":"1"})");
  REQUIRE_MESSAGE(purge["state"] == "done", purge.dump());
  CHECK(purge["percent"] == 100);
  CHECK(purge["counts"]["events"] == 1);
  CHECK(fixture.events() == 1);
  const json key = json::parse(fixture.ask("GET", "/api/v1/users/report-key").body);
  const auto report = verify_erasure_report(purge["report"].dump(), key["public_key"].get<std::string>());
  REQUIRE(report);
  const json told = json::parse(*report);
  CHECK(told["requested_by"] == "dpo");
  CHECK(told["total"]["events"] == 1);
  CHECK(told["projects"][0]["project"] == "shop");
  CHECK(told.dump().find("ada@") == std::string::npos);
}

TEST_CASE("a user's data is told line by line, and nobody else's") {
  Fixture fixture;
  const StoredItem file{"f1", 1, kNow, Attachment{std::string(24, 'a') + "10000001", "a.txt", "text/plain", "", "hi"}};
  REQUIRE(fixture.store->append_items(std::span(&file, 1)));
  HttpReply reply = fixture.ask("POST", "/api/v1/users/export", R"({"user":["id:42"]})");
  REQUIRE_MESSAGE(reply.status == 200, reply.body);
  std::string text = reply.body;
  for (bool is_last = reply.rest == nullptr; !is_last;) {
    const auto piece = reply.rest->next();
    REQUIRE(piece);
    text += piece->bytes;
    is_last = piece->is_last;
  }
  std::vector<json> lines;
  for (std::size_t start = 0; start < text.size(); start = text.find('\n', start) + 1) {
    lines.push_back(json::parse(text.substr(start, text.find('\n', start) - start)));
  }
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["kind"] == "event");
  CHECK(lines[0]["title"] == "ada's");
  CHECK(lines[0]["payload"]["user"]["id"] == 42);
  CHECK(lines[1]["kind"] == "attachment");
  CHECK(lines[1]["base64"] == "aGk=");
}

TEST_CASE("only admins see and erase the data of users") {
  Fixture fixture;
  for (const TokenScope scope : {TokenScope::kRead, TokenScope::kWrite}) {
    fixture.token = fixture.accounts.create_token("other", scope).value();
    CHECK(fixture.ask("POST", "/api/v1/users/purges", R"({"user":["id:42"]})").status == 403);
    CHECK(fixture.ask("POST", "/api/v1/users/export", R"({"user":["id:42"]})").status == 403);
    CHECK(fixture.ask("GET", "/api/v1/users/purges/1").status == 403);
    const auto key = fixture.ask("GET", "/api/v1/users/report-key");
    CHECK_MESSAGE(key.status == 200, key.body);
  }
  fixture.token = "none";
  CHECK(fixture.ask("POST", "/api/v1/users/purges", R"({"user":["id:42"]})").status == 401);
  CHECK(fixture.ask("GET", "/api/v1/users/report-key").status == 401);
  CHECK(fixture.events() == 2);
}

TEST_CASE("a wish that says no user, or nonsense, is refused and erases nothing") {
  const Fixture fixture;
  for (const char* body : {"", "[]", "{}", R"({"user":[]})", R"({"user":"id:42"})", R"({"user":[42]})",
                           R"({"user":["42"]})", R"({"user":["id:"]})", R"({"user":["id:42"],"project_id":7})",
                           R"({"user":["id:42"],"projekt_id":"7"})", R"({"user":["id:42"],"dry_run":"yes"})"}) {
    CAPTURE(body);
    CHECK(fixture.error_of("/api/v1/users/purges", body) == "invalid_parameter");
    CHECK(fixture.error_of("/api/v1/users/export", body) == "invalid_parameter");
  }
  CHECK(fixture.error_of("/api/v1/users/purges", R"({"user":["id:42"],"project_id":"77"})") == "not_found");
  CHECK(fixture.ask("GET", "/api/v1/users/purges/unknown").status == 404);
  CHECK(fixture.events() == 2);
}

TEST_CASE("a purge that is broken off by the collector's end erases the rest when it is begun again") {
  Fixture fixture;
  for (int number = 0; number < 500; ++number) fixture.append("g" + std::to_string(number % 20), R"({"id":42})");
  REQUIRE(fixture.ask("POST", "/api/v1/users/purges", R"({"user":["id:42"]})").status == 202);
  fixture.purges.stop();
  CHECK(fixture.ask("POST", "/api/v1/users/purges", R"({"user":["id:42"]})").status == 409);
  ErasureWish wish;
  wish.user.values.push_back(parse_user_value("id:42").value());
  const auto outcome =
      erase_user(*fixture.store, fixture.payloads, wish, trapline::core::system_clock(), [](int) { return true; });
  REQUIRE_MESSAGE(outcome, (outcome ? "" : outcome.error().message));
  CHECK(fixture.events() == 1);
}
