#include <string>

#include <doctest/doctest.h>

#include "collector/http/api_json.h"
#include "collector/http/authentication.h"
#include "collector/http/health_routes.h"
#include "collector/http/ingest_routes.h"
#include "collector/http/query_params.h"
#include "collector/http/router.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

HttpReply named(const std::string& name) {
  HttpReply reply;
  reply.body = name;
  return reply;
}

/// Knows one admin's token and one owner's session, whatever their secrets, and counts how often it is asked.
class CountingAccountStore : public AccountStore {
 public:
  int asked = 0;

  Result<std::optional<User>> find_session_user(std::string_view /*session_hash*/, UnixMillis /*now*/) override {
    ++asked;
    return std::optional(User{.id = 1, .email = "zoe@a.example", .role = Role::kOwner});
  }
  Result<std::optional<ApiToken>> find_token(std::string_view /*token_hash*/) override {
    ++asked;
    return std::optional(ApiToken{.name = "ci", .scope = TokenScope::kAdmin});
  }

  Result<User> create_user(std::string_view, Role, std::string_view) override { return kNotHere; }
  Result<std::optional<Credentials>> find_credentials(std::string_view) override { return kNotHere; }
  Result<std::int64_t> count_users() override { return kNotHere; }
  Status create_session(std::string_view, UserId, UnixMillis) override { return kNotHere; }
  Status delete_session(std::string_view) override { return kNotHere; }
  Status create_welcome_link(std::string_view, UnixMillis) override { return kNotHere; }
  Result<User> create_owner_by_welcome_link(std::string_view, UnixMillis, std::string_view, std::string_view) override {
    return kNotHere;
  }
  Status create_token(std::string_view, std::string_view, TokenScope) override { return kNotHere; }

 private:
  const Error kNotHere{"storage", "nobody asks this here"};
};

}  // namespace

TEST_CASE("a route is found by method and path, with and without a final slash") {
  Router router;
  router.add("GET", "/a/{x}/b/{y}",
             [](const HttpRequest& request) { return named(request.path_params[0] + "+" + request.path_params[1]); });
  router.add("POST", "/a", [](const HttpRequest&) { return named("post"); });
  const auto ask = [&](std::string_view method, std::string_view path) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    return router.route(request);
  };
  CHECK(ask("GET", "/a/1/b/2").body == "1+2");
  CHECK(ask("HEAD", "/a/1/b/2/").body == "1+2");
  CHECK(ask("POST", "/a/").body == "post");
  CHECK(ask("GET", "/a").status == 405);
  CHECK(ask("GET", "/a").headers.at(0).second == "POST");
  CHECK(ask("GET", "/nowhere").status == 404);
  CHECK(ask("GET", std::string(8000, 'a')).status == 404);
}

TEST_CASE("doors are found behind any prefix, and nothing else is a door") {
  CHECK(find_door("/v1/events")->door == Door::kEvents);
  CHECK(find_door("/v1/events/")->door == Door::kEvents);
  CHECK(find_door("/api/12/envelope/")->project == "12");
  CHECK(find_door("/api/12/store")->door == Door::kStore);
  CHECK(find_door("/api/12/security/")->door == Door::kSecurity);
  CHECK(find_door("/api/12/minidump")->door == Door::kMinidump);
  CHECK(find_door("/tools/errors/api/12/envelope/")->project == "12");
  CHECK(find_door("/api/abc/envelope/")->project == "abc");
  for (const char* path : {"/", "", "/api/12/", "/api/envelope", "/apix/12/envelope", "/12/envelope/", "/envelope"}) {
    CAPTURE(path);
    CHECK_FALSE(find_door(path));
  }
}

TEST_CASE("query parameters are read, and a bad one is named with what it takes") {
  HttpRequest request;
  request.query = {
      {"project", "7"}, {"level", "fatal"}, {"sort", "count"}, {"limit", "100"}, {"from", "2026-11-21T00:00:00Z"},
      {"other", "x"}};
  const auto query = read_issue_query(request);
  REQUIRE(query);
  CHECK(query->project_id == 7);
  CHECK(query->level == Level::kFatal);
  CHECK(query->sort == IssueSort::kCount);
  CHECK(query->limit == 100);
  for (const auto& [name, value] : std::multimap<std::string, std::string>{{"project", "x"},
                                                                           {"level", "loud"},
                                                                           {"status", "x"},
                                                                           {"sort", "x"},
                                                                           {"limit", "0"},
                                                                           {"limit", "101"},
                                                                           {"limit", "-1"},
                                                                           {"from", "x"}}) {
    CAPTURE(name);
    HttpRequest bad;
    bad.query = {{name, value}};
    const auto refused = read_issue_query(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("'" + name + "'") != std::string::npos);
  }
  CHECK_FALSE(read_path_id("-1"));
  CHECK_FALSE(read_path_id("1x"));
}

TEST_CASE("a collector that can take nothing in says so when it is asked whether it is ready") {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url()).value();
  std::uint64_t free_bytes = 0;
  const auto spool =
      Spool::open(folder.path("s"), {.min_free_bytes = 1, .free_bytes = [&](const std::string&) { return free_bytes; }})
          .value();
  Intake intake(*store, *spool, {});
  const Digester digester(*spool, *store);
  Router router;
  const RetentionCounts retention;
  const ItemWriter items(*spool, *store, {});
  add_health_routes(router, {intake, *spool, digester, items, *store, retention});
  HttpRequest request{.method = "GET", .path = "/readyz"};
  const HttpReply full = router.route(request);
  CHECK(full.status == 503);
  CHECK(full.body.find("disk_full") != std::string::npos);
  free_bytes = 10;
  CHECK(router.route(request).status == 200);
}

TEST_CASE("the session is found among other cookies") {
  HttpRequest request;
  request.headers["cookie"] = "a=b; trapline_session=secret; c=d";
  CHECK(session_secret(request) == "secret");
  request.headers["cookie"] = "xtrapline_session=secret";
  CHECK(session_secret(request).empty());
}

TEST_CASE("a request that changes something must be JSON from our own origin") {
  HttpRequest request;
  request.headers = {{"host", "errors.example.com"}};
  CHECK(check_same_origin(request).error().code == "unsupported_content_type");
  request.headers["content-type"] = "application/json";
  CHECK(check_same_origin(request).ok());
  request.headers["origin"] = "https://errors.example.com";
  CHECK(check_same_origin(request).ok());
  request.headers["origin"] = "https://evil.example.com";
  CHECK(check_same_origin(request).error().code == "forbidden");
}

TEST_CASE("a DSN is made from the public address, its path included") {
  Project project;
  project.id = 3;
  project.public_key = "k";
  CHECK(make_dsn("https://h:1/x", project) == "https://k@h:1/x/3");
}

TEST_CASE("projects and keys are for admins and owners, and for tokens of scope admin") {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  const auto store = open_store(database.url()).value();
  Accounts accounts(*store);
  const auto code_of = [&](const HttpRequest& request) {
    const auto actor = authenticate_admin(accounts, request);
    return actor ? *actor : actor.error().code;
  };
  CHECK(code_of({}) == "not_signed_in");
  for (const auto& [scope, answer] : std::vector<std::pair<TokenScope, std::string>>{
           {TokenScope::kRead, "forbidden"}, {TokenScope::kWrite, "forbidden"}, {TokenScope::kAdmin, "ci"}}) {
    HttpRequest request;
    request.headers["authorization"] = "Bearer " + accounts.create_token("ci", scope).value();
    CHECK(code_of(request) == answer);
  }
  for (const auto& [role, is_let] : std::vector<std::pair<Role, bool>>{
           {Role::kViewer, false}, {Role::kMember, false}, {Role::kAdmin, true}, {Role::kOwner, true}}) {
    const std::string email = std::string(to_word(role)) + "@a.example";
    REQUIRE(accounts.create_user(email, role, "long enough"));
    HttpRequest request;
    request.headers["cookie"] =
        "trapline_session=" + accounts.sign_in(email, "long enough", "127.0.0.1").value().session_secret;
    CHECK(code_of(request) == (is_let ? "unsupported_content_type" : "forbidden"));
    request.headers["content-type"] = "application/json";
    CHECK(code_of(request) == (is_let ? email : "forbidden"));
  }
}

TEST_CASE("who asks is looked up once, also for a change") {
  CountingAccountStore store;
  Accounts accounts(store);
  HttpRequest with_token;
  with_token.headers["authorization"] = "Bearer secret";
  CHECK(authenticate_admin(accounts, with_token).value() == "ci");
  CHECK(store.asked == 1);
  HttpRequest with_session;
  with_session.headers = {{"cookie", "trapline_session=secret"}, {"content-type", "application/json"}};
  CHECK(authenticate_writer(accounts, with_session).value() == "zoe@a.example");
  CHECK(store.asked == 2);
  CHECK(authenticate_reader(accounts, with_session));
  CHECK(store.asked == 3);
}
