/// What people do to issues, through the API of a real collector.

#include <string>

#include <doctest/doctest.h>

#include "sdk/core/clock.h"
#include "sdk/core/timestamp.h"
#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

namespace core = trapline::core;
using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

struct Fixture {
  TemporaryFolder folder;
  CollectorProcess collector{folder.path("data")};
  std::unique_ptr<httplib::Client> client = collector.client();
  std::string token;
  int sent = 0;

  Fixture() {
    token =
        run_collector({"token", "create", "--name", "ci", "--scope", "write", "--data", folder.path("data")}).output;
    while (token.ends_with('\n')) token.pop_back();
  }
  void send(const json& event) {
    const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, event.dump(),
                                     "application/json");
    REQUIRE(answer);
    CHECK_MESSAGE(answer->status == 202, answer->body);
    collector.wait_for_events(static_cast<std::size_t>(++sent));
  }
  httplib::Result call(const std::string& method, const std::string& path, const json& body, const std::string& with) {
    httplib::Request request;
    request.method = method;
    request.path = "/api/v1" + path;
    request.headers = {{"Authorization", "Bearer " + with}, {"Content-Type", "application/json"}};
    request.body = body.dump();
    return client->send(request);
  }
  json change(const std::string& method, const std::string& path, const json& body, int status = 200) {
    const auto answer = call(method, path, body, token);
    REQUIRE(answer);
    CHECK_MESSAGE(answer->status == status, path << " answered " << answer->body);
    return json::parse(answer->body);
  }
};

json error_of(const std::string& type, const std::string& release) {
  return {{"release", release},
          {"platform", "python"},
          {"exception",
           {{"values",
             {{{"type", type},
               {"value", "v"},
               {"stacktrace", {{"frames", {{{"function", "f"}, {"filename", "a.py"}, {"in_app", true}}}}}}}}}}}};
}

}  // namespace

TEST_CASE("a resolved issue comes back also when the clock of who sees it is an hour slow") {
  Fixture fixture;
  const json event = error_of("E", "");
  fixture.send(event);
  const std::string path = "/issues/" + fixture.collector.get("/issues")["items"].at(0)["id"].get<std::string>();
  fixture.change("PATCH", path, {{"status", "resolved"}});
  const std::string slow = core::format_timestamp(core::system_clock().unix_millis() - 3'600'000);
  json late = event;
  late["timestamp"] = slow;
  const std::string envelope =
      json{{"sent_at", slow}}.dump() + "\n" + json{{"type", "event"}}.dump() + "\n" + late.dump() + "\n";
  const auto answer = fixture.client->Post("/api/1/envelope/?sentry_key=" + fixture.collector.key(), envelope,
                                           "application/x-sentry-envelope");
  REQUIRE(answer);
  CHECK(answer->status == 200);
  fixture.collector.wait_for_events(2);
  CHECK(fixture.collector.get(path)["status"] == "unresolved");
}

TEST_CASE("an issue resolved in the next release comes back with it, and its history tells who and why") {
  Fixture fixture;
  fixture.send(error_of("E", "shop@1.0"));
  const json issue = fixture.collector.get("/issues")["items"].at(0);
  const std::string path = "/issues/" + issue["id"].get<std::string>();
  CHECK(issue["first_release"] == "shop@1.0");
  const json resolved =
      fixture.change("PATCH", path, {{"status", "resolved"}, {"in_next_release", true}, {"assignee", "ada"}});
  CHECK(resolved["status"] == "resolved");
  CHECK(resolved["status_details"]["after_release"] == "shop@1.0");
  CHECK(resolved["assignee"] == "ada");
  fixture.send(error_of("E", "shop@1.0"));
  CHECK(fixture.collector.get(path)["status"] == "resolved");
  fixture.send(error_of("E", "shop@1.1"));
  CHECK(fixture.collector.get(path)["status"] == "unresolved");
  const json history = fixture.collector.get(path + "/history")["items"];
  REQUIRE(history.size() == 4);
  CHECK(history[0]["kind"] == "regressed");
  CHECK(history[0]["actor"].is_null());
  CHECK(history[1]["kind"] == "assigned");
  CHECK(history[2]["actor"] == "ci");
  CHECK(history[2]["details"]["after_release"] == "shop@1.0");
}

TEST_CASE("changes that make no sense are refused, and readers change nothing") {
  Fixture fixture;
  fixture.send(error_of("E", "1.0"));
  for (const json& body :
       {json::array(), json::object(), json{{"status", "gone"}}, json{{"count", 3}}, json{{"assignee", 7}},
        json{{"status", "ignored"}, {"in_release", "2.0"}}, json{{"status", "resolved"}, {"ignore_count", 5}},
        json{{"status", "ignored"}, {"ignore_count", 0}},
        json{{"status", "ignored"}, {"ignore_until", "2001-01-01T00:00:00Z"}},
        json{{"status", "resolved"}, {"in_release", "2.0"}, {"in_next_release", true}}, json{{"ignore_count", 5}}}) {
    CAPTURE(body.dump());
    const json refused = fixture.change("PATCH", "/issues/1", body, 400);
    CHECK(refused["error"]["code"] == "invalid_parameter");
  }
  CHECK(fixture.call("PATCH", "/issues/1", {{"status", "resolved"}}, fixture.collector.token())->status == 403);
  CHECK(fixture.call("PATCH", "/issues/1", {{"status", "resolved"}}, "nonsense")->status == 401);
  CHECK(fixture.call("PATCH", "/issues/99", {{"status", "resolved"}}, fixture.token)->status == 404);
  CHECK(fixture.collector.get("/issues/1")["status"] == "unresolved");
}

TEST_CASE("issues are merged and unmerged by hand, and an explanation tells what made the group") {
  Fixture fixture;
  fixture.send(error_of("One", "1.0"));
  fixture.send(error_of("Two", "1.0"));
  const json merged = fixture.change("POST", "/issues/1/merge", {{"issues", {"2"}}});
  CHECK(merged["count"] == 2);
  CHECK(fixture.call("GET", "/issues/2", {}, fixture.token)->status == 404);
  const json hashes = fixture.collector.get("/issues/1/hashes")["items"];
  REQUIRE(hashes.size() == 2);
  const json apart = fixture.change("POST", "/issues/1/unmerge", {{"hashes", {hashes[0]["id"]}}}, 201);
  CHECK(apart["count"] == 1);
  fixture.change("POST", "/issues/1/unmerge", {{"hashes", {hashes[1]["id"]}}}, 409);
  fixture.change("POST", "/issues/1/merge", {{"issues", {2}}}, 400);
  const json event = fixture.collector.get("/events?limit=1")["items"].at(0);
  const json explained = fixture.collector.get("/events/1/" + event["event_id"].get<std::string>() + "/grouping");
  CHECK(explained["version"] == 2);
  CHECK(explained["parts"].size() == 3);
}

TEST_CASE("a project's settings take effect, and wrong ones are refused whole") {
  Fixture fixture;
  const json rules = {
      {"grouping", {{"rules", {{{"match", {{"type", "T*"}}}, {"fingerprint", {"t"}}, {"title", "All Ts"}}}}}}};
  const json settings = fixture.change("PATCH", "/projects/1/digest", rules);
  CHECK(settings["grouping"]["rules"].size() == 1);
  CHECK(fixture.change("PATCH", "/projects/1/digest", {{"grouping", {{"version", 99}}}}, 400)["error"]["code"] ==
        "invalid_settings");
  CHECK(fixture
            .change("PATCH", "/projects/1/digest",
                    {{"scrubbing", {{"patterns", {{{"name", "x"}, {"expression", "("}}}}}}}, 400)["error"]["message"]
            .get<std::string>()
            .find('(') != std::string::npos);
  CHECK(fixture.collector.get("/projects/1/digest") == settings);
  fixture.send(error_of("Tee", "1.0"));
  fixture.send(error_of("Tea", "1.0"));
  const json issues = fixture.collector.get("/issues")["items"];
  REQUIRE(issues.size() == 1);
  CHECK(issues[0]["title"] == "All Ts");
  CHECK(fixture.collector.get("/projects/1/ledger")["totals"]["stored"] == 2);
  CHECK(fixture.collector.get("/projects/1/quarantine")["items"].empty());
}
