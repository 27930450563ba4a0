/// Live updates on a real socket: streams that are watched, ignored, too many, and left behind.

#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/http/http_server.h"
#include "collector/http/live_feed.h"
#include "collector/storage/open_store.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using nlohmann::json;
using std::chrono::milliseconds;
using Client = trapline::tests::SocketClient;

namespace {

const std::string kWatch = "GET /api/watch HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kHello = "GET /api/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

std::string with_last_seen(const std::string& request, const std::string& id) {
  return request.substr(0, request.size() - 2) + "Last-Event-ID: " + id + "\r\n\r\n";
}

/// The id that a browser would come back with.
std::string last_id(const std::string& read) {
  const std::size_t start = read.rfind("\nid: ") + 5;
  return read.substr(start, read.find('\n', start) - start);
}

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  LiveFeed feed;
  std::shared_ptr<EventStream> raw = std::make_shared<EventStream>();
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  int port = 0;
  int number = 0;
  std::latch entered{1};  ///< somebody is at /api/wait, and
  std::latch leave{1};    ///< may go on

  explicit Fixture(HttpOptions options = {}, milliseconds linger = std::chrono::minutes(2))
      : feed(*store, {.interval = milliseconds(20), .linger = linger}) {
    REQUIRE(store->create_project("one", std::string(32, 'a')));
    REQUIRE(store->create_project("two", std::string(32, 'b')));
    feed.start([] { return LiveTotals{7, 5}; });
    Router router;
    const auto watch = [](std::shared_ptr<EventStream> stream) {
      HttpReply reply;
      reply.content_type = "text/event-stream";
      reply.stream = std::move(stream);
      return reply;
    };
    router.add("GET", "/api/wait", [this](const HttpRequest&) {
      entered.count_down();
      leave.wait();
      return json_reply("waited");
    });
    router.add("GET", "/api/hello", [](const HttpRequest&) { return json_reply("hello"); });
    router.add("GET", "/api/watch", [=, this](const HttpRequest& request) {
      return watch(feed.subscribe(std::nullopt, request.header("last-event-id")));
    });
    router.add("GET", "/api/watch/two", [=, this](const HttpRequest& request) {
      return watch(feed.subscribe(2, request.header("last-event-id")));
    });
    router.add("GET", "/api/raw", [=, this](const HttpRequest&) { return watch(raw); });
    server = std::make_unique<HttpServer>(std::move(router), intake, std::move(options));
    port = server->bind("127.0.0.1", 0).value();
    thread = std::thread([this] { server->run(); });
  }
  ~Fixture() {
    stop();
    feed.stop();
  }
  void stop() {
    server->stop();
    if (thread.joinable()) thread.join();
  }
  /// Stores an event and tells of it.
  void store_event(ProjectId project, const std::string& fingerprint) {
    DigestedEvent event;
    event.project_id = project;
    event.event_id = std::string(28, 'e') + std::to_string(1'000 + ++number);
    event.fingerprint = fingerprint;
    event.title = "title of " + fingerprint;
    event.payload = "{}";
    const auto outcome = store->append(std::span(&event, 1));
    REQUIRE(outcome);
    feed.stored(*outcome);
  }
  void wait_for_streams(
      std::size_t count, const std::function<void()>& meanwhile = [] {}) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (server->counts().streams != count) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
      meanwhile();
      std::this_thread::sleep_for(milliseconds(1));  // polling, until the deadline
    }
  }
};

}  // namespace

TEST_CASE("who watches is told of new issues, of what they count, and of the totals") {
  Fixture fixture;
  Client client(fixture.port, kWatch);
  CHECK(client.next("stats") == json{{"accepted", 7}, {"digested", 5}});
  CHECK(client.read().find("200 OK") != std::string::npos);
  CHECK(client.read().find("Content-Type: text/event-stream\r\n") != std::string::npos);
  CHECK(client.read().find("Content-Length") == std::string::npos);
  CHECK(client.read().find("retry: ") != std::string::npos);
  fixture.store_event(1, "f");
  const json made = client.next("issue");
  CHECK(made["kind"] == "new");
  CHECK(made["project_id"] == "1");
  CHECK(made["issue"]["title"] == "title of f");
  CHECK(made["issue"]["id"] == made["id"]);
  fixture.store_event(1, "f");
  const json counted = client.next("issue");
  CHECK(counted["kind"] == "changed");
  CHECK(counted["issue"]["count"] == 2);
  REQUIRE(fixture.store->set_issue_state(1, {.status = IssueStatus::kResolved, .status_at = -1}, "zoe"));
  fixture.feed.issue_changed({1, 1});
  CHECK(client.next("issue")["issue"]["status"] == "resolved");
  fixture.store_event(1, "f");
  CHECK(client.next("issue")["kind"] == "regressed");
  fixture.feed.issue_changed({99, 1});
  CHECK(client.next("issue") == json{{"kind", "removed"}, {"id", "99"}, {"project_id", "1"}, {"issue", nullptr}});
}

TEST_CASE("who watches one project is told of no other's issues") {
  Fixture fixture;
  Client client(fixture.port, "GET /api/watch/two HTTP/1.1\r\nHost: h\r\n\r\n");
  client.next("stats");
  fixture.store_event(1, "f");
  fixture.store_event(2, "f");
  CHECK(client.next("issue")["project_id"] == "2");
}

TEST_CASE("in a storm of issues watchers are told that they missed some") {
  Fixture fixture;
  Client client(fixture.port, kWatch);
  client.next("stats");
  AppendOutcome outcome;
  for (IssueId id = 1; id <= 5'000; ++id) outcome.counted_on.push_back({id, 1});
  fixture.feed.stored(outcome);
  CHECK(client.next("missed") == json{{"count", 4'800}});
  std::size_t told = 0;
  for (std::size_t at = 0; (at = client.read().find("event: issue", at)) != std::string::npos; ++at) ++told;
  CHECK(told == 200);
}

TEST_CASE("a stream that has no news is kept alive, and ends after its time") {
  Fixture fixture({.heartbeat = milliseconds(50), .stream_lifetime = milliseconds(700)});
  Client client(fixture.port, kWatch);
  CHECK(client.receives("\n:\n\n"));
  CHECK(client.receives(":\n\n"));
  CHECK(client.reads_to_end());
  fixture.wait_for_streams(0);
}

TEST_CASE("a client that reads too slowly stays, and is told once how many events it missed; nobody else waits") {
  Fixture fixture;
  Client client(fixture.port, "GET /api/raw HTTP/1.1\r\nHost: h\r\n\r\n", 4'096);
  fixture.wait_for_streams(1);
  const SharedEvent news = make_event("1", "issue", std::string(1'000, 'x'));
  // The socket takes some megabytes.
  constexpr int kSent = 16'000;
  for (int number = 0; number < kSent; ++number) {
    fixture.raw->send(news);
    if (number % 4'000 == 0) CHECK(Client(fixture.port, kHello).receives("\"hello\""));
  }
  // Several gaps, when it was behind several times.
  std::size_t told = 0;
  std::size_t missed = 0;
  bool was_missed = false;
  while (told + missed < kSent) {
    const std::string event = client.read_until("\n\n");
    REQUIRE(event.ends_with("\n\n"));
    const std::size_t count = event.find("event: missed\ndata: {\"count\":");
    const bool is_missed = count != std::string::npos;
    if (is_missed) missed += std::stoul(event.substr(event.find(':', event.find('{')) + 1));
    if (!is_missed && event.find("event: issue") != std::string::npos) ++told;
    CHECK_FALSE((was_missed && is_missed));
    was_missed = is_missed;
  }
  CHECK(told + missed == kSent);
  CHECK(missed > 0);
  fixture.raw->send(make_event("2", "issue", "\"after\""));
  CHECK(client.next("issue") == "after");
}

TEST_CASE("a client that reads nothing at all is closed after a while") {
  Fixture fixture({.write_deadline = milliseconds(100), .heartbeat = milliseconds(20)});
  Client client(fixture.port, "GET /api/raw HTTP/1.1\r\nHost: h\r\n\r\n", 4'096);
  fixture.wait_for_streams(1);
  const SharedEvent news = make_event("1", "issue", std::string(100'000, 'x'));
  fixture.wait_for_streams(0, [&] { fixture.raw->send(news); });  // the socket takes some megabytes
}

TEST_CASE("who comes back gets what it missed, of the project that it watches") {
  Fixture fixture;
  std::string seen;
  {
    Client client(fixture.port, kWatch);
    client.next("stats");
    fixture.store_event(1, "seen");
    client.next("issue");
    seen = last_id(client.read());
  }
  fixture.wait_for_streams(0);
  Client other(fixture.port, kWatch);  // tells when the feed has told
  other.next("stats");
  fixture.store_event(1, "missed");
  other.next("issue");
  fixture.store_event(2, "missed");
  other.next("issue");
  Client back(fixture.port, with_last_seen(kWatch, seen));
  CHECK(back.next("issue")["issue"]["title"] == "title of missed");
  CHECK(back.next("issue")["project_id"] == "2");
  CHECK(back.next("stats") == json{{"accepted", 7}, {"digested", 5}});
  CHECK(back.read().find("title of seen") == std::string::npos);
  CHECK(back.read().find("event: missed") == std::string::npos);
  Client of_two(fixture.port, with_last_seen("GET /api/watch/two HTTP/1.1\r\nHost: h\r\n\r\n", seen));
  CHECK(of_two.next("issue")["project_id"] == "2");
  of_two.next("stats");
  CHECK(of_two.read().find("\"project_id\":\"1\"") == std::string::npos);
  // Who has seen all gets nothing twice, and goes on.
  Client at_the_end(fixture.port, with_last_seen(kWatch, last_id(of_two.read())));
  at_the_end.next("stats");
  fixture.store_event(1, "next");
  CHECK(at_the_end.next("issue")["issue"]["title"] == "title of next");
  CHECK(at_the_end.read().find("title of missed") == std::string::npos);
}

TEST_CASE("who comes back with an id of before a restart, or one that is too old, is told that it missed some") {
  Fixture fixture;
  Client first(fixture.port, kWatch);
  first.next("stats");
  const std::string start = last_id(first.read());
  Client made_up(fixture.port, with_last_seen(kWatch, "0123456789abcdef-1"));
  CHECK(made_up.next("missed") == json{{"count", nullptr}});
  made_up.next("stats");
  AppendOutcome outcome;
  for (IssueId id = 1; id <= 200; ++id) outcome.counted_on.push_back({id, 1});
  for (int number = 0; number < 6; ++number) {
    fixture.feed.stored(outcome);
    for (int told = 0; told < 200; ++told) first.next("issue");
  }
  Client late(fixture.port, with_last_seen(kWatch, start));
  CHECK(late.next("missed") == json{{"count", nullptr}});
  late.next("stats");
  CHECK(late.read().find("event: issue") == std::string::npos);
  CHECK(last_id(late.read()) == last_id(first.read()));
}

TEST_CASE("when nobody watches any more nothing is noted, and who comes back later is told so") {
  Fixture fixture({}, milliseconds(0));
  std::string seen;
  {
    Client client(fixture.port, kWatch);
    client.next("stats");
    fixture.store_event(1, "f");
    client.next("issue");
    seen = last_id(client.read());
    CHECK(fixture.feed.is_listening());
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (fixture.feed.is_listening()) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::yield();
  }
  fixture.store_event(1, "f");
  Client back(fixture.port, with_last_seen(kWatch, seen));
  CHECK(back.next("missed") == json{{"count", nullptr}});
}

TEST_CASE("who comes back is not told of a project that was deleted meanwhile") {
  Fixture fixture;
  Client client(fixture.port, kWatch);
  client.next("stats");
  const std::string seen = last_id(client.read());
  fixture.store_event(1, "f");
  client.next("issue");
  fixture.store_event(2, "f");
  client.next("issue");
  fixture.feed.project_deleted(1);
  Client back(fixture.port, with_last_seen(kWatch, seen));
  CHECK(back.next("issue")["project_id"] == "2");
}

TEST_CASE("more streams than may be are refused, until one ends") {
  Fixture fixture({.max_streams = 2});
  Client first(fixture.port, kWatch);
  first.next("stats");
  auto second = std::make_unique<Client>(fixture.port, kWatch);
  second->next("stats");
  Client third(fixture.port, kWatch);
  CHECK(third.receives("503 Service Unavailable"));
  CHECK(third.receives("Retry-After: "));
  second.reset();
  fixture.wait_for_streams(1);
  Client fourth(fixture.port, kWatch);
  CHECK(fourth.next("stats")["accepted"] == 7);
}

TEST_CASE("streams take none of the threads that answer") {
  Fixture fixture({.api_threads = 1});
  std::vector<std::unique_ptr<Client>> streams;
  for (int number = 0; number < 50; ++number) {
    streams.push_back(std::make_unique<Client>(fixture.port, kWatch));
    streams.back()->next("stats");
  }
  CHECK(fixture.server->counts().streams == 50);
  CHECK(Client(fixture.port, kHello).receives("\"hello\""));
  fixture.store_event(1, "f");
  for (const auto& stream : streams) CHECK(stream->next("issue")["kind"] == "new");
}

TEST_CASE("streams end when the server does, and news for them harms nothing") {
  auto fixture = std::make_unique<Fixture>();
  Client watching(fixture->port, kWatch);
  watching.next("stats");
  Client raw(fixture->port, "GET /api/raw HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture->wait_for_streams(2);
  fixture->stop();
  fixture->store_event(1, "f");
  fixture->raw->send(make_event("1", "issue", "{}"));
  CHECK(watching.reads_to_end());
  CHECK(raw.reads_to_end());
  fixture->server.reset();
  const std::shared_ptr<EventStream> outlives = fixture->raw;
  fixture->server = std::make_unique<HttpServer>(Router(), fixture->intake);
  fixture.reset();
  outlives->send(make_event("2", "issue", "{}"));
}

TEST_CASE("streams end before the requests in hand are waited for") {
  Fixture fixture;
  Client watching(fixture.port, kWatch);
  watching.next("stats");
  Client waiting(fixture.port, "GET /api/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture.entered.wait();
  fixture.server->stop();
  CHECK(watching.reads_to_end());
  fixture.leave.count_down();
  CHECK(waiting.receives("\"waited\""));
}
