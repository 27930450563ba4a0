/// GET /api/v1/issues/completions and /api/v1/issues/{id}/tags.

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/http/api_routes.h"
#include "collector/http/dispatcher.h"
#include "collector/storage/open_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using nlohmann::json;

namespace {

constexpr UnixMillis kNow = 1795223297698;  // 2026-11-21T01:08:17.698Z

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  trapline::tests::ManualClock clock{kNow};
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  Accounts accounts{*store};
  std::unique_ptr<Dispatcher> dispatcher;
  std::string token = accounts.create_token("ci", TokenScope::kRead).value();

  Fixture() {
    REQUIRE(store->create_project("shop", std::string(32, 'a')));
    DigestedEvent event;
    event.project_id = 1;
    event.event_id = std::string(32, 'a');
    event.received_at = event.timestamp = kNow;
    event.fingerprint = event.title = "title";
    event.payload = "{}";
    event.release = "shop@1.0";
    event.environment = "pre prod";
    event.tags = {{"browser", "Chrome 120"}, {"level", "odd"}};
    event.user = "id:1";
    event.user_fields = {{UserField::kEmail, "ada@example.com"}};
    REQUIRE(store->append(std::vector{event}));
    Router router;
    add_api_routes(router, {*store, accounts, std::make_shared<std::string>("http://h"), nullptr, clock});
    dispatcher = std::make_unique<Dispatcher>(std::move(router), intake, std::vector<AddressRange>{}, 0);
  }

  HttpReply ask(const std::string& target) const {
    RequestHead head{.method = "GET", .target = target};
    head.headers["authorization"] = "Bearer " + token;
    return dispatcher->answer(head, "", "127.0.0.1");
  }
  json complete(const std::string& params) const {
    const HttpReply reply = ask("/api/v1/issues/completions?" + params);
    REQUIRE_MESSAGE(reply.status == 200, reply.body);
    return json::parse(reply.body);
  }
  std::vector<std::string> texts(const std::string& params) const {
    std::vector<std::string> texts;
    const json answer = complete(params);
    for (const json& item : answer["items"]) texts.push_back(item["text"]);
    return texts;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("what can stand at the cursor is told, with what it replaces in characters") {
  const Fixture fixture;
  CHECK(fixture.texts("query=").size() == 20);
  CHECK(fixture.texts("query=rel") == Texts{"release:"});
  CHECK(fixture.texts("query=last_") == Texts{"last_seen:"});
  CHECK(fixture.texts("query=bro") == Texts{"browser:"});
  CHECK(fixture.texts("query=LEV") == Texts{"level:", "tags[level]:"});
  CHECK(fixture.texts("query=level:") == Texts{"fatal", "error", "warning", "info", "debug"});
  CHECK(fixture.texts("query=is:un") == Texts{"unresolved", "unassigned"});
  CHECK(fixture.texts("query=env:") == Texts{"\"pre prod\""});
  CHECK(fixture.texts("query=release:%3Eshop") == Texts{"shop@1.0"});
  CHECK(fixture.texts("query=browser:c&project=1") == Texts{"\"Chrome 120\""});
  CHECK(fixture.texts("query=browser:c&project=2").empty());
  CHECK(fixture.texts("query=tags%5Blevel%5D:") == Texts{"odd"});
  CHECK(fixture.texts("query=user.email:a") == Texts{"ada@example.com"});
  CHECK(fixture.texts("query=has:br") == Texts{"browser"});
  CHECK(fixture.texts("query=assigned:") == Texts{"me", "none"});
  CHECK(fixture.texts("query=nobody:").empty());
  CHECK(fixture.texts("query=culprit:").empty());
  const json middle = fixture.complete("query=%C3%A4%F0%9F%98%80%20lev:x%20y&position=5");
  CHECK(middle["from"] == 3);
  CHECK(middle["to"] == 7);
  CHECK(middle["items"][0]["text"] == "level:");
  CHECK(fixture.complete("query=level&position=999")["to"] == 5);
}

TEST_CASE("what a completion cannot be asked for is an error") {
  const Fixture fixture;
  CHECK(fixture.ask("/api/v1/issues/completions?position=x").status == 400);
  CHECK(fixture.ask("/api/v1/issues/completions?position=-1").status == 400);
  CHECK(fixture.ask("/api/v1/issues/completions?project=x").status == 400);
  CHECK(fixture.ask("/api/v1/issues/completions?query=" + std::string(2'001, 'x')).status == 400);
}

TEST_CASE("an issue's tags are told by key") {
  const Fixture fixture;
  const std::string id = std::to_string(fixture.store->find_issues({})->items.at(0).id);
  const json tags = json::parse(fixture.ask("/api/v1/issues/" + id + "/tags").body);
  REQUIRE(tags["items"].size() == 2);
  CHECK(tags["items"][0] == json::parse(R"({"key":"browser","value_count":1,"values":[
    {"value":"Chrome 120","count":1,"last_seen":"2026-11-21T01:08:17.698Z"}]})"));
  CHECK(fixture.ask("/api/v1/issues/999/tags").status == 404);
}
