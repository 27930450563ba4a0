/// The real collector, driven over HTTP.

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sdk/core/gzip.h"
#include "tests/integration/collector_process.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"

using namespace trapline;
using nlohmann::json;
using tests::CollectorProcess;
using tests::run_collector;
using tests::SocketClient;
using tests::TemporaryFolder;

namespace {

struct Fixture {
  TemporaryFolder folder;
  CollectorProcess collector{folder.path("data")};
  std::unique_ptr<httplib::Client> client = collector.client();
  httplib::Headers with_key{{"Authorization", "Trapline " + collector.key()}};

  httplib::Result send(const std::string& body, const std::string& type = "application/json",
                       httplib::Headers more = {}) {
    httplib::Headers headers = with_key;
    headers.insert(more.begin(), more.end());
    return client->Post("/v1/events", headers, body, type.c_str());
  }
};

std::string code_of(const httplib::Result& answer) {
  REQUIRE(answer);
  const json body = json::parse(answer->body, nullptr, false);
  return body.is_object() && body.contains("error") ? body["error"]["code"].get<std::string>() : answer->body;
}

std::size_t resident_kib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
  }
  return 0;
}

}  // namespace

TEST_CASE("events sent at all three doors become issues that the API shows") {
  Fixture fixture;
  const std::string crash =
      R"({"exception":{"values":[{"type":"E","value":"v 1","stacktrace":{"frames":[{"function":"f","filename":"x.c","in_app":true}]}}]},"user":{"id":1}})";
  const auto first = fixture.send("[" + crash + "," + crash + "]");
  REQUIRE(first);
  CHECK(first->status == 202);
  CHECK(json::parse(first->body) == json{{"accepted", 2}, {"duplicates", 0}, {"rejected", json::array()}});
  CHECK(fixture
            .send(core::gzip("{\"message\":\"a\"}\n{\"message\":\"b\"}\n"), "application/x-ndjson",
                  {{"Content-Encoding", "gzip"}})
            ->status == 202);

  const std::string id = "1fd941f72cb7453e8d29c2990c2422b4";
  const std::string envelope = "{\"event_id\":\"" + id + "\"}\n{\"type\":\"event\"}\n" + crash;
  const auto second =
      fixture.client->Post("/api/1/envelope/?sentry_key=" + fixture.collector.key(), envelope, "text/plain");
  REQUIRE(second);
  CHECK(second->status == 200);
  CHECK(json::parse(second->body) == json{{"id", id}});
  CHECK(second->get_header_value("Access-Control-Allow-Origin") == "*");

  const std::string auth = "Sentry sentry_version=7, sentry_key=" + fixture.collector.key();
  CHECK(
      fixture.client->Post("/api/1/store", {{"X-Sentry-Auth", auth}}, "{\"message\":\"c\"}", "application/octet-stream")
          ->status == 200);

  fixture.collector.wait_for_events(6);
  const json issues = fixture.collector.get("/issues")["items"];
  CHECK(issues.size() == 4);
  const json found = fixture.collector.get("/issues?query=E%20is:unresolved%20times_seen:%3E1&sort=count")["items"][0];
  CHECK(found["title"] == "E: v 1");
  CHECK(found["count"] == 3);
  CHECK(found["user_count"] == 1);
  CHECK(found["culprit"] == "f in x.c");
  CHECK(found["daily_counts"].size() == 14);
  const std::string issue = found["id"];
  CHECK(fixture.collector.get("/issues/" + issue + "/events?limit=2")["next_cursor"].is_string());
  CHECK(fixture.collector.get("/issues/" + issue + "/stats")["hours"][0]["count"] == 3);
  const json event = fixture.collector.get("/events/1/" + id);
  CHECK(event["payload"]["event_id"] == id);
  CHECK(event["payload"]["exception"]["values"][0]["value"] == "v 1");
}

TEST_CASE("a browser's report and a crash handler's upload become events, and the upload is told their name") {
  Fixture fixture;
  const std::string key = "?sentry_key=" + fixture.collector.key();
  const std::string report =
      R"({"csp-report":{"effective-directive":"img-src","blocked-uri":"data","document-uri":"https://a/"}})";
  CHECK(
      fixture.client->Post("/api/1/security/" + key + "&sentry_release=r1", report, "application/csp-report")->status ==
      200);
  const httplib::MultipartFormDataItems form = {{"sentry", R"({"release":"r2"})", "", ""},
                                                {"upload_file_minidump", "MDMP....", "c.dmp", ""}};
  const auto uploaded = fixture.client->Post("/api/1/minidump/" + key, form);
  REQUIRE(uploaded);
  CHECK(uploaded->status == 200);
  CHECK(uploaded->body.size() == 36);
  const json events = fixture.collector.wait_for_events(2);
  const std::string crash_id = [&] {
    std::string id = uploaded->body;
    id.erase(std::remove(id.begin(), id.end(), '-'), id.end());
    return id;
  }();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  json files;
  while (files.empty() && std::chrono::steady_clock::now() < deadline) {
    files = fixture.collector.get("/events/1/" + crash_id + "/attachments")["items"];
  }
  REQUIRE(files.size() == 1);
  CHECK(files[0]["attachment_type"] == "event.minidump");
  const auto file =
      fixture.client->Get("/api/v1/events/1/" + crash_id + "/attachments/" + files[0]["id"].get<std::string>(),
                          {{"Authorization", "Bearer " + fixture.collector.token()}});
  CHECK(file->body == "MDMP....");
  CHECK(file->get_header_value("Content-Disposition") == "attachment; filename=\"c.dmp\"");
  for (const json& event : events) {
    CHECK(event["release"] == (event["title"] == "Blocked 'img-src' from 'data'" ? "r1" : "r2"));
  }
}

TEST_CASE("a chunked request without a content type is taken, as @sentry/node sends it") {
  Fixture fixture;
  SocketClient connection(fixture.collector.port());
  const std::string body = "{}\n{\"type\":\"event\"}\n{\"message\":\"chunked\"}";
  std::array<char, 16> size{};
  std::snprintf(size.data(), size.size(), "%zx", body.size());
  connection.write("POST /api/1/envelope/?sentry_key=" + fixture.collector.key() +
                   " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + size.data() + "\r\n" + body +
                   "\r\n0\r\n\r\n");
  CHECK(connection.read_until("\r\n\r\n").find("200 OK") != std::string::npos);
  CHECK(fixture.collector.wait_for_events(1)[0]["title"] == "chunked");
}

TEST_CASE("the same event twice is stored once, also when it comes with another content") {
  Fixture fixture;
  const std::string id(32, 'a');
  CHECK(json::parse(fixture.send("{\"event_id\":\"" + id + "\",\"message\":\"x\"}")->body)["accepted"] == 1);
  fixture.collector.wait_for_events(1);
  const json again = json::parse(fixture.send("{\"event_id\":\"" + id + "\",\"message\":\"other\"}")->body);
  CHECK(again["accepted"] == 0);
  CHECK(again["duplicates"] == 1);
  CHECK(fixture.collector.wait_for_events(1).size() == 1);
}

TEST_CASE("bad input is answered with its status and a code, and the collector goes on") {
  Fixture fixture;
  auto& client = *fixture.client;
  const std::string key = fixture.collector.key();
  const auto envelope = [&](const std::string& project, const std::string& with_key, const std::string& body) {
    return client.Post("/api/" + project + "/envelope/?sentry_key=" + with_key, body, "text/plain");
  };
  struct Bad {
    httplib::Result answer;
    int status;
    std::string code;
  };
  std::vector<Bad> table;
  table.push_back({client.Post("/v1/events", "{}", "application/json"), 401, "missing_key"});
  table.push_back({envelope("1", "nonsense", "{}"), 401, "malformed_key"});
  table.push_back({envelope("1", std::string(32, 'c'), "{}"), 401, "unknown_key"});
  table.push_back({envelope("77", key, "{}"), 404, "unknown_project"});
  table.push_back({envelope("1", key, "nonsense"), 400, "invalid_envelope"});
  table.push_back({fixture.send("{\"a\":"), 400, "invalid_json"});
  table.push_back(
      {fixture.send("not gzip", "application/json", {{"Content-Encoding", "gzip"}}), 400, "invalid_compression"});
  table.push_back(
      {fixture.send("{}", "application/json", {{"Content-Encoding", "lzma"}}), 400, "unsupported_content_encoding"});
  table.push_back({fixture.send("{}", "text/plain"), 415, "unsupported_content_type"});
  table.push_back({fixture.send("{\"m\":\"" + std::string(1 << 20, 'x') + "\"}"), 413, "event_too_large"});
  table.push_back({fixture.send(std::string((20 << 20) + 1, ' ')), 413, "body_too_large"});
  table.push_back({client.Get("/api/v1/issues"), 401, "not_signed_in"});
  table.push_back({client.Get("/v1/events"), 405, "method_not_allowed"});
  table.push_back({client.Get("/api/v1/nowhere"), 404, "not_found"});
  table.push_back({client.Put("/api/v1/issues", "{}", "application/json"), 405, "method_not_allowed"});
  for (const Bad& bad : table) {
    CAPTURE(bad.code);
    REQUIRE(bad.answer);
    CHECK(bad.answer->status == bad.status);
    CHECK(code_of(bad.answer) == bad.code);
  }
  CHECK(fixture.send("{\"message\":\"still there\"}")->status == 202);
  const auto metrics = client.Get("/metrics");
  CHECK(metrics->body.find("trapline_events_rejected_total{reason=\"body_too_large\"} 1") != std::string::npos);
}

TEST_CASE("a compression bomb ends soon and costs no more memory than the limit") {
  Fixture fixture;
  std::string bomb;
  for (int part = 0; part < 3; ++part)
    bomb += core::gzip(std::string(std::size_t{100} << 20, '\0'), 9);  // 300 MiB in 300 KiB
  const auto start = std::chrono::steady_clock::now();
  CHECK(code_of(fixture.send(bomb, "application/json", {{"Content-Encoding", "gzip"}})) == "inflated_too_large");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
#ifndef TRAPLINE_COLLECTOR_IS_SANITIZED
  CHECK(resident_kib(fixture.collector.pid()) < 400 * 1024);
#endif
  CHECK(fixture.send("{}")->status == 202);
}

TEST_CASE("events that were acknowledged survive a kill at once") {
  TemporaryFolder folder;
  std::size_t acknowledged = 0;
  std::string token;
  for (int round = 0; round < 5; ++round) {
    CollectorProcess collector(folder.path("data"));
    static std::string key;
    if (collector.has_log_field("dsn")) key = collector.key();
    const auto client = collector.client();
    for (int number = 0; number < 10; ++number) {
      const auto answer = client->Post("/v1/events", {{"Authorization", "Trapline " + key}}, "{\"message\":\"kept\"}",
                                       "application/json");
      if (answer && answer->status == 202) ++acknowledged;
    }
    collector.end(SIGKILL);
  }
  CollectorProcess collector(folder.path("data"));
  CHECK(acknowledged == 50);
  CHECK(collector.wait_for_events(acknowledged).size() == acknowledged);
  CHECK(collector.get("/issues")["items"][0]["count"] == acknowledged);
}

TEST_CASE("SIGTERM ends the collector with status 0, and a restart shows everything again") {
  TemporaryFolder folder;
  {
    CollectorProcess collector(folder.path("data"));
    CHECK(collector.client()
              ->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, "{}", "application/json")
              ->status == 202);
    CHECK(collector.end(SIGTERM) == 0);
  }
  CollectorProcess collector(folder.path("data"));
  CHECK_FALSE(collector.has_log_field("dsn"));
  CHECK(collector.wait_for_events(1).size() == 1);
}

TEST_CASE("a second collector on the same folder or port is refused with a reason") {
  Fixture fixture;
  const auto same_folder = run_collector({"serve", "--data", fixture.folder.path("data"), "--listen", "127.0.0.1:0"});
  CHECK(same_folder.exit_status == 1);
  CHECK(same_folder.output.find("another trapline-collector") != std::string::npos);
  const std::string address = "127.0.0.1:" + std::to_string(fixture.collector.port());
  const auto same_port = run_collector({"serve", "--data", fixture.folder.path("other"), "--listen", address});
  CHECK(same_port.exit_status == 1);
  CHECK(same_port.output.find("is another program using the port") != std::string::npos);
}

TEST_CASE("bad settings are refused with their source, the option and what it takes") {
  TemporaryFolder folder;
  const std::string config = folder.path("c.toml");
  std::ofstream(config) << "data = \"" << folder.path("d") << "\"\nlisen = \"x\"\n";
  const auto unknown_key = run_collector({"serve", "--config", config});
  CHECK(unknown_key.exit_status == 1);
  CHECK(unknown_key.output.find("line 2: there is no option 'lisen'") != std::string::npos);
  CHECK(run_collector({"serve", "--listen", "nonsense"}).output.find("--listen: listen takes HOST:PORT") !=
        std::string::npos);
  CHECK(run_collector({"serve", "--max-body-bytes", "lots"}).output.find("takes a number of bytes") !=
        std::string::npos);
  CHECK(run_collector({"project", "create", "x", "--database", "mysql://h/d"}).output.find("write sqlite:PATH or") !=
        std::string::npos);
  CHECK(run_collector({"user", "create", "x", "--role", "owner", "--data", folder.path("d")}, "long enough\n")
            .output.find("not an e-mail") != std::string::npos);
}

TEST_CASE("the commands print what scripts need, alone") {
  TemporaryFolder folder;
  const std::string data = folder.path("data");
  const std::string dsn =
      run_collector({"project", "create", "shop", "--data", data, "--public-url", "https://e.example.com/t/"}).output;
  CHECK(dsn.starts_with("https://"));
  CHECK(dsn.ends_with("@e.example.com/t/1\n"));
  for (const std::string& bad : {std::string("shop"), std::string(), std::string(" "), std::string("two\nlines")}) {
    CAPTURE(bad);
    CHECK(run_collector({"project", "create", bad, "--data", data}).exit_status == 1);
  }
  CHECK(run_collector({"token", "create", "--name", "t", "--scope", "write", "--data", data}).output.size() ==
        4 + 64 + 1);
  CHECK(run_collector({"user", "create", "a@b.c", "--role", "admin", "--data", data}, "my long password\n")
            .output.empty());
  CHECK(run_collector({"user", "create", "d@e.f", "--role", "admin", "--data", data}).output.size() == 21);
  const auto help = run_collector({"serve", "--help"});
  CHECK(help.exit_status == 0);
  CHECK(help.output.find("Examples:") != std::string::npos);
}

TEST_CASE("switches and keys that are changed while the collector runs take effect within five seconds") {
  Fixture fixture;
  const std::string data = fixture.folder.path("data");
  const auto command = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--data", data});
    return run_collector(arguments);
  };
  const auto wait_for_code = [&](const httplib::Headers& headers, const std::string& code) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (true) {
      const auto answer = fixture.client->Post("/v1/events", headers, "{}", "application/json");
      REQUIRE(answer);
      if (answer->status == 202 ? code.empty() : code_of(answer) == code) return true;
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // polling, until the deadline
    }
  };
  const std::string dsn = command({"key", "create", "default", "--with-secret"}).output;
  CHECK(dsn.find(':', 10) != std::string::npos);
  const std::string key = dsn.substr(dsn.find("//") + 2, 32);
  const std::string secret = dsn.substr(dsn.find("//") + 35, 32);
  const httplib::Headers with_new_key{{"Authorization", "Trapline " + key}};
  CHECK(wait_for_code(with_new_key, ""));
  CHECK(command({"key", "disable", key}).exit_status == 0);
  CHECK(wait_for_code(with_new_key, "disabled_key"));
  CHECK(command({"key", "enable", key}).exit_status == 0);
  CHECK(wait_for_code(with_new_key, ""));
  CHECK(command({"project", "set", "default", "--require-signature", "on"}).exit_status == 0);
  CHECK(wait_for_code(with_new_key, "missing_signature"));
  CHECK(command({"project", "set", "default", "--require-signature", "off", "--rate-limit", "1"}).exit_status == 0);
  CHECK(wait_for_code(with_new_key, "project_rate_limited"));
  const auto limited = fixture.client->Post("/v1/events", with_new_key, "{}", "application/json");
  CHECK(limited->status == 429);
  CHECK(limited->has_header("Retry-After"));
  CHECK(limited->get_header_value("X-Sentry-Rate-Limits").find(":project") != std::string::npos);
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"project", "set", "nowhere", "--rate-limit", "1"},
                                             {"project", "set", "default", "--rate-limit", "lots"},
                                             {"project", "set", "default", "--allowed-ips", "10.0.0.0/99"},
                                             {"project", "set", "default", "--allowed-origins", "https://a.example/x"},
                                             {"project", "set", "default", "--allowed-origins", "a.example b.example"},
                                             {"project", "set", "default", "--allowed-origins", "https://"},
                                             {"project", "set", "default", "--require-signature", "maybe"},
                                             {"key", "create", "nowhere"},
                                             {"key", "disable", std::string(32, '0')}}) {
    CHECK(command(bad).exit_status == 1);
  }
  CHECK(command({"project", "set", "default", "--rate-limit", "none", "--allowed-origins",
                 "https://a.example/ , https://b.example"})
            .exit_status == 0);
  CHECK(wait_for_code({{"Authorization", "Trapline " + key}, {"Origin", "https://c.example"}}, "origin_not_allowed"));
  for (const char* origin : {"https://a.example", "https://b.example"}) {
    CAPTURE(origin);
    CHECK(wait_for_code({{"Authorization", "Trapline " + key}, {"Origin", origin}}, ""));
  }
}

TEST_CASE("the one-time link makes an owner once, who signs in and out") {
  Fixture fixture;
  const std::string& link = fixture.collector.log_field("link");
  const std::string secret = link.substr(link.find("token=") + 6);
  const std::string body = json{{"token", secret}, {"email", "me@example.com"}, {"password", "long enough"}}.dump();
  const auto created = fixture.client->Post("/api/v1/welcome", body, "application/json");
  REQUIRE(created);
  CHECK(created->status == 201);
  CHECK(json::parse(created->body)["role"] == "owner");
  CHECK(fixture.client->Post("/api/v1/welcome", body, "application/json")->status == 404);
  const std::string cookie = created->get_header_value("Set-Cookie");
  CHECK(cookie.find("HttpOnly") != std::string::npos);
  const httplib::Headers session{{"Cookie", cookie.substr(0, cookie.find(';'))}};
  CHECK(fixture.client->Get("/api/v1/issues", session)->status == 200);
  CHECK(fixture.client->Delete("/api/v1/session", session)->status == 204);
  CHECK(fixture.client->Get("/api/v1/issues", session)->status == 401);
  const std::string wrong = json{{"email", "me@example.com"}, {"password", "not it"}}.dump();
  CHECK(fixture.client->Post("/api/v1/session", wrong, "application/json")->status == 401);
  CHECK(fixture.client->Post("/api/v1/session", {{"Origin", "https://evil.example"}}, wrong, "application/json")
            ->status == 403);
  CHECK(fixture.client->Post("/api/v1/session", "nonsense", "application/json")->status == 400);
}

TEST_CASE("health and metrics answer") {
  Fixture fixture;
  CHECK(fixture.client->Get("/healthz")->status == 200);
  CHECK(fixture.client->Get("/readyz")->status == 200);
  const auto metrics = fixture.client->Get("/metrics");
  for (const char* name :
       {"trapline_events_accepted_total", "trapline_events_digested_total", "trapline_events_duplicate_total",
        "trapline_events_rejected_total", "trapline_spool_events", "trapline_issues", "trapline_items_refused_total",
        "process_resident_memory_bytes", "process_start_time_seconds"}) {
    CHECK_MESSAGE(metrics->body.find(name) != std::string::npos, name);
  }
}

TEST_CASE("browsers may ask from any page at the doors, and get nothing of the API") {
  Fixture fixture;
  const auto preflight = fixture.client->Options(
      "/api/1/envelope/", {{"Origin", "https://a.b"}, {"Access-Control-Request-Headers", "x-own"}});
  REQUIRE(preflight);
  CHECK(preflight->status == 204);
  CHECK(preflight->get_header_value("Access-Control-Allow-Headers") == "x-own");
  const auto refused = fixture.client->Post("/api/1/envelope/", "{}", "text/plain");
  CHECK(refused->get_header_value("Access-Control-Allow-Origin") == "*");
  CHECK(refused->has_header("X-Sentry-Error"));
  CHECK_FALSE(fixture.client->Get("/api/v1/openapi.json")->has_header("Access-Control-Allow-Origin"));
}

TEST_CASE("300 idle and 200 trickling clients leave an honest one's p99 below 100 ms") {
  Fixture fixture;
  std::vector<std::unique_ptr<SocketClient>> idle;
  for (int number = 0; number < 300; ++number) {
    idle.push_back(std::make_unique<SocketClient>(fixture.collector.port()));
    idle.back()->write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(idle.back()->read_until("\r\n\r\n").find("200 OK") != std::string::npos);
  }
  std::vector<std::unique_ptr<SocketClient>> slow;
  for (int number = 0; number < 200; ++number) {
    slow.push_back(std::make_unique<SocketClient>(fixture.collector.port()));
    slow.back()->write(number % 2 == 0 ? "POST /v1/events HTTP/1.1\r\nX-Slow: "
                                       : "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
  }
  std::atomic<bool> is_done{false};
  std::thread trickle([&] {
    while (!is_done) {
      for (const auto& connection : slow) connection->write("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  constexpr int kRequests = 300;
  double best_p99_ms = 1e9;
  // Another program on the machine may hold up one round, not three.
  for (int round = 0; round < 3 && best_p99_ms > 100; ++round) {
    std::vector<double> waits;
    for (int number = 0; number < kRequests; ++number) {
      const auto start = std::chrono::steady_clock::now();
      CHECK(fixture.send("{\"message\":\"honest\"}")->status == 202);
      waits.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    std::sort(waits.begin(), waits.end());
    best_p99_ms = std::min(best_p99_ms, waits[kRequests * 99 / 100]);
  }
  is_done = true;
  trickle.join();
  MESSAGE("p99 of the honest client: " << best_p99_ms << " ms");
  CHECK(best_p99_ms < 100);
}

TEST_CASE("requests that are no HTTP, or endless, harm nothing") {
  Fixture fixture;
  const std::vector<std::string> table = {
      std::string("\0\xff nonsense\r\n\r\n", 14), "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n",
      "POST /v1/events HTTP/1.1\r\nContent-Length: -5\r\n\r\n{}", std::string("POST /v1/events HTTP/1.1\r\n\r\n")};
  for (const std::string& nonsense : table) {
    SocketClient connection(fixture.collector.port());
    connection.write(nonsense);
    CHECK(connection.read_until("\r\n\r\n").find("HTTP/1.1 ") == 0);
  }
  CHECK(fixture.client->Get("/" + std::string(8000, 'a'))->status == 200);  // an address of the dashboard
  CHECK(fixture.client->Get("/healthz")->status == 200);
}

TEST_CASE("a low limit of open files is raised, and with 120 clients half-way through a head honest ones are served") {
  const TemporaryFolder folder;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit low{60, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CollectorProcess collector(folder.path("data"));
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit raised{};
  REQUIRE(prlimit(collector.pid(), RLIMIT_NOFILE, nullptr, &raised) == 0);
  CHECK(raised.rlim_cur == before.rlim_max);
  std::vector<std::unique_ptr<SocketClient>> slow;
  for (int number = 0; number < 120; ++number) {
    slow.push_back(std::make_unique<SocketClient>(collector.port()));
    slow.back()->write("POST /v1/events HTTP/1.1\r\nX-Slow: ");
  }
  for (int number = 0; number < 20; ++number) {
    const auto answer = collector.client()->Post("/v1/events", {{"Authorization", "Trapline " + collector.key()}}, "{}",
                                                 "application/json");
    REQUIRE(answer);
    CHECK(answer->status == 202);
  }
}
