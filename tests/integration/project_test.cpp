/// Projects and keys, made, changed and deleted through the API of a real collector.

#include <chrono>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using nlohmann::json;
using trapline::tests::CollectorProcess;
using trapline::tests::run_collector;
using trapline::tests::TemporaryFolder;

namespace {

struct Fixture {
  TemporaryFolder folder;
  CollectorProcess collector{folder.path("data")};
  std::unique_ptr<httplib::Client> client = collector.client();
  std::string admin = token("admin");
  std::string writer = token("write");

  std::string token(const std::string& scope) const {
    std::string made =
        run_collector({"token", "create", "--name", scope, "--scope", scope, "--data", folder.path("data")}).output;
    while (made.ends_with('\n')) made.pop_back();
    return made;
  }
  httplib::Result call(const std::string& method, const std::string& path, const json& body, const std::string& with) {
    httplib::Request request;
    request.method = method;
    request.path = "/api/v1" + path;
    request.headers = {{"Authorization", "Bearer " + with}, {"Content-Type", "application/json"}};
    if (!body.is_null()) request.body = body.dump();
    return client->send(request);
  }
  /// By the admin; null of an answer without a body.
  json ask(const std::string& method, const std::string& path, const json& body, int status) {
    const auto answer = call(method, path, body, admin);
    REQUIRE(answer);
    CHECK_MESSAGE(answer->status == status, method << " " << path << " answered " << answer->body);
    return answer->body.empty() ? json() : json::parse(answer->body);
  }
  /// What an event with the key is answered: 202, or the code.
  std::string send(const std::string& key, const std::string& message = "m") {
    const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + key}},
                                     json{{"message", message}}.dump(), "application/json");
    REQUIRE(answer);
    return answer->status == 202 ? "202" : json::parse(answer->body)["error"]["code"].get<std::string>();
  }
  /// Whether that is so within the five seconds in which changes take effect.
  bool comes_to(const std::string& key, const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (send(key) != wanted) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // polling, until the deadline
    }
    return true;
  }
};

}  // namespace

TEST_CASE("a project made through the API takes events at once, and is changed as asked") {
  Fixture fixture;
  const json made = fixture.ask("POST", "/projects", {{"name", "shop"}}, 201);
  const std::string id = made["id"];
  const std::string key = made["dsn"].get<std::string>().substr(7, 32);
  CHECK(fixture.comes_to(key, "202"));
  CHECK(fixture.ask("POST", "/projects", {{"name", "shop"}}, 409)["error"]["code"] == "conflict");
  for (const json& bad : {json(nullptr), json{{"name", ""}}, json{{"name", 5}}, json{{"name", "x"}, {"more", 1}}}) {
    fixture.ask("POST", "/projects", bad, 400);
  }
  const json changes = {{"name", "store"},
                        {"require_signature", true},
                        {"allowed_origins", {"https://a.example/ "}},
                        {"allowed_ips", {"10.0.0.0/8", "127.0.0.1"}},
                        {"rate_limit_per_hour", "free"}};
  const json changed = fixture.ask("PATCH", "/projects/" + id, changes, 200);
  CHECK(changed["name"] == "store");
  CHECK(changed["require_signature"] == true);
  CHECK(changed["allowed_origins"] == json{"https://a.example"});
  CHECK(changed["allowed_ips"] == json{"10.0.0.0/8", "127.0.0.1"});
  CHECK(changed["rate_limit_per_hour"] == 1'000);
  CHECK(fixture.collector.get("/projects/" + id) == changed);
  CHECK(fixture.comes_to(key, "missing_signature"));
  CHECK(fixture.ask("PATCH", "/projects/" + id, {{"rate_limit_per_hour", 7}}, 200)["rate_limit_per_hour"] == 7);
  CHECK(fixture.ask("PATCH", "/projects/" + id, {{"rate_limit_per_hour", "none"}}, 200)["rate_limit_per_hour"] == 0);
  for (const json& bad : {json{{"rate_limit_per_hour", -1}}, json{{"rate_limit_per_hour", 1.5}},
                          json{{"rate_limit_per_hour", "lots"}}, json{{"allowed_ips", {"10.0.0.0/99"}}},
                          json{{"allowed_origins", {"https://"}}}, json{{"allowed_origins", "https://a"}},
                          json{{"require_signature", "on"}}, json{{"name", "a\nb"}}, json{{"colour", "red"}}}) {
    fixture.ask("PATCH", "/projects/" + id, bad, 400);
  }
  CHECK(fixture.collector.get("/projects/" + id)["name"] == "store");
  fixture.ask("PATCH", "/projects/" + id, {{"name", "default"}}, 409);
  fixture.ask("PATCH", "/projects/999", {{"name", "x"}}, 404);
}

TEST_CASE("a new key opens its project within five seconds, and a revoked one opens it no more") {
  Fixture fixture;
  const json plain = fixture.ask("POST", "/projects/1/keys", nullptr, 201);
  CHECK(plain["secret_key"].is_null());
  const std::string key = plain["public_key"];
  CHECK(fixture.comes_to(key, "202"));
  const std::string path = "/projects/1/keys/" + key;
  CHECK(fixture.ask("PATCH", path, {{"is_active", false}}, 200)["is_active"] == false);
  CHECK(fixture.comes_to(key, "disabled_key"));
  CHECK(fixture.ask("PATCH", path, {{"is_active", true}, {"rate_limit_per_hour", "pro"}}, 200)["rate_limit_per_hour"] ==
        10'000);
  CHECK(fixture.comes_to(key, "202"));
  fixture.ask("PATCH", path, {{"secret_key", "x"}}, 400);
  fixture.ask("DELETE", path, nullptr, 204);
  CHECK(fixture.comes_to(key, "unknown_key"));
  fixture.ask("DELETE", path, nullptr, 404);
  fixture.ask("PATCH", path, {{"is_active", true}}, 404);
}

TEST_CASE("a key's secret is shown once, when it is made") {
  Fixture fixture;
  const json made = fixture.ask("POST", "/projects/1/keys", {{"with_secret", true}, {"rate_limit_per_hour", 5}}, 201);
  const std::string secret = made["secret_key"];
  CHECK(secret.size() == 32);
  CHECK(made["dsn"].get<std::string>().find(":" + secret + "@") != std::string::npos);
  const json keys = fixture.collector.get("/projects/1/keys");
  REQUIRE(keys["items"].size() == 2);
  CHECK(keys.dump().find(secret) == std::string::npos);
  CHECK(keys["items"][0]["public_key"] == fixture.collector.key());
  CHECK(keys["items"][1]["has_secret"] == true);
  CHECK(keys["items"][1]["rate_limit_per_hour"] == 5);
  const std::string path = "/projects/1/keys/" + made["public_key"].get<std::string>();
  CHECK(fixture.ask("PATCH", path, {{"is_active", true}}, 200).dump().find(secret) == std::string::npos);
  const json other = fixture.ask("POST", "/projects", {{"name", "other"}}, 201);
  fixture.ask("PATCH", "/projects/" + other["id"].get<std::string>() + path.substr(11), {{"is_active", false}}, 404);
}

TEST_CASE("projects and keys are changed by admins only") {
  Fixture fixture;
  const std::string keys = "/projects/1/keys";
  const std::string key = keys + "/" + fixture.collector.key();
  for (const auto& [method, path] : std::vector<std::pair<std::string, std::string>>{{"POST", "/projects"},
                                                                                     {"PATCH", "/projects/1"},
                                                                                     {"DELETE", "/projects/1"},
                                                                                     {"POST", keys},
                                                                                     {"PATCH", key},
                                                                                     {"DELETE", key}}) {
    CAPTURE(method + path);
    CHECK(fixture.call(method, path, {{"name", "x"}}, fixture.writer)->status == 403);
    CHECK(fixture.call(method, path, {{"name", "x"}}, "nobody")->status == 401);
  }
}

TEST_CASE("a project is deleted with all it has when its name is given, while events come in") {
  Fixture fixture;
  const json made = fixture.ask("POST", "/projects", {{"name", "old shop"}}, 201);
  const std::string id = made["id"];
  const std::string key = made["dsn"].get<std::string>().substr(7, 32);
  CHECK(fixture.comes_to(key, "202"));
  for (int number = 0; number < 50; ++number) CHECK(fixture.send(key, "number") == "202");
  fixture.ask("DELETE", "/projects/" + id, nullptr, 400);
  fixture.ask("DELETE", "/projects/" + id + "?confirm=shop", nullptr, 400);
  // Right behind the last events: some of them are still in the spool.
  fixture.ask("DELETE", "/projects/" + id + "?confirm=old%20shop", nullptr, 204);
  fixture.ask("GET", "/projects/" + id, nullptr, 404);
  CHECK(fixture.comes_to(key, "unknown_key"));
  CHECK(fixture.send(fixture.collector.key(), "of another project") == "202");
  const json events = fixture.collector.wait_for_events(1);
  CHECK(events.size() == 1);
  CHECK(events[0]["project_id"] == "1");
  CHECK(fixture.collector.get("/issues")["items"].size() == 1);
  fixture.ask("POST", "/projects", {{"name", "old shop"}}, 201);
}

TEST_CASE("a project's stats tell by hour what became of its events") {
  Fixture fixture;
  const json key = fixture.ask("POST", "/projects/1/keys", nullptr, 201);
  const std::string disabled = key["public_key"];
  fixture.ask("PATCH", "/projects/1/keys/" + disabled, {{"is_active", false}}, 200);
  CHECK(fixture.comes_to(disabled, "disabled_key"));
  for (int number = 0; number < 3; ++number) CHECK(fixture.send(fixture.collector.key()) == "202");
  const httplib::Headers with_key{{"Authorization", "Trapline " + fixture.collector.key()}};
  const std::string same = json{{"message", "m"}, {"event_id", std::string(32, 'a')}}.dump();
  for (int number = 0; number < 2; ++number) {
    CHECK(fixture.client->Post("/v1/events", with_key, same, "application/json")->status == 202);
  }
  const std::string report =
      "{}\n{\"type\":\"client_report\"}\n"
      R"({"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":5}]})"
      "\n";
  CHECK(fixture.client->Post("/api/1/envelope/?sentry_key=" + fixture.collector.key(), report, "text/plain")->status ==
        200);
  const auto are_all_there = [](const json& totals) {
    return totals["stored"] == 4 && totals["duplicates"] == 1 && totals["refused"].value("disabled_key", 0) > 0 &&
           totals["not_sent"].value("queue_overflow", 0) == 5;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  json stats = fixture.collector.get("/projects/1/stats");
  while (!are_all_there(stats["totals"])) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, stats.dump());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // polling, until the deadline
    stats = fixture.collector.get("/projects/1/stats");
  }
  CHECK(stats["totals"]["accepted"] == 4);
  std::int64_t stored = 0;
  for (const json& hour : stats["hours"]) stored += hour["stored"].get<std::int64_t>();
  CHECK(stored == 4);
  CHECK(fixture.collector.get("/projects/1/stats?to=2020-01-01T00:00:00Z&from=2019-12-31T00:00:00Z")["hours"].empty());
  fixture.ask("GET", "/projects/1/stats?from=2020-01-01T00:00:00Z", nullptr, 400);
}
