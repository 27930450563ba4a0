/// Live updates on a real socket: streams that are watched, ignored, too many, and left behind.

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/http/http_server.h"
#include "collector/http/live_feed.h"
#include "collector/storage/open_store.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::collector;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

const std::string kWatch = "GET /api/watch HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kHello = "GET /api/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

class Client {
 public:
  Client(int port, const std::string& request, int receive_buffer = 0) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    REQUIRE(send(socket_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Reads until the text has come, in what was read since the start or the last call; false when the end came first.
  bool read_until(const std::string& text) {
    char buffer[4096];
    while (read_.find(text, seen_) == std::string::npos) {
      const ssize_t count = recv(socket_, buffer, sizeof buffer, 0);
      if (count <= 0) return false;
      read_.append(buffer, static_cast<std::size_t>(count));
    }
    seen_ = read_.find(text, seen_) + text.size();
    return true;
  }
  bool reads_to_end() { return !read_until("no such text"); }
  /// The data of the next event of the name.
  json next(const std::string& event) {
    REQUIRE(read_until("event: " + event + "\ndata: "));
    const std::size_t start = seen_;
    REQUIRE(read_until("\n\n"));
    return json::parse(read_.substr(start, seen_ - start));
  }
  [[nodiscard]] const std::string& read() const { return read_; }

 private:
  int socket_;
  std::string read_;
  std::size_t seen_ = 0;
};

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  std::unique_ptr<Store> store = open_store("sqlite:" + folder.path("t.db")).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  LiveFeed feed{*store, milliseconds(20)};
  std::shared_ptr<EventStream> raw = std::make_shared<EventStream>();
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  int port = 0;
  int number = 0;

  explicit Fixture(HttpOptions options = {}) {
    REQUIRE(store->create_project("one", std::string(32, 'a')));
    REQUIRE(store->create_project("two", std::string(32, 'b')));
    feed.start([] { return LiveTotals{7, 5}; });
    Router router;
    const auto watch = [this](std::shared_ptr<EventStream> stream) {
      HttpReply reply;
      reply.content_type = "text/event-stream";
      reply.stream = std::move(stream);
      return reply;
    };
    router.add("GET", "/api/hello", [](const HttpRequest&) { return json_reply("hello"); });
    router.add("GET", "/api/watch", [=, this](const HttpRequest&) { return watch(feed.subscribe(std::nullopt)); });
    router.add("GET", "/api/watch/two", [=, this](const HttpRequest&) { return watch(feed.subscribe(2)); });
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
  void wait_for_streams(std::size_t count) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (server->counts().streams != count) {
      REQUIRE(std::chrono::steady_clock::now() < deadline);
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
  client.next("missed");
  std::size_t told = 0;
  for (std::size_t at = 0; (at = client.read().find("event: issue", at)) != std::string::npos; ++at) ++told;
  CHECK(told <= 200);
}

TEST_CASE("a stream that has no news is kept alive, and ends after its time") {
  Fixture fixture({.heartbeat = milliseconds(50), .stream_lifetime = milliseconds(700)});
  Client client(fixture.port, kWatch);
  CHECK(client.read_until("\n:\n\n"));
  CHECK(client.read_until(":\n\n"));
  CHECK(client.reads_to_end());
  fixture.wait_for_streams(0);
}

TEST_CASE("a client that reads nothing is hung up on at a bound, and nobody else waits") {
  Fixture fixture;
  Client client(fixture.port, "GET /api/raw HTTP/1.1\r\nHost: h\r\n\r\n", 4'096);
  fixture.wait_for_streams(1);
  const std::string news = "data: " + std::string(1'000, 'x') + "\n\n";
  std::size_t sent = 0;
  while (fixture.raw->send(news)) {
    sent += news.size();
    REQUIRE(sent < (std::size_t{32} << 20));  // the socket takes some megabytes
    if (sent % (32 * news.size()) == 0) CHECK(Client(fixture.port, kHello).read_until("\"hello\""));
  }
  fixture.wait_for_streams(0);
  CHECK_FALSE(fixture.raw->send("more"));
  CHECK(client.reads_to_end());
}

TEST_CASE("more streams than may be are refused, until one ends") {
  Fixture fixture({.max_streams = 2});
  Client first(fixture.port, kWatch);
  first.next("stats");
  auto second = std::make_unique<Client>(fixture.port, kWatch);
  second->next("stats");
  Client third(fixture.port, kWatch);
  CHECK(third.read_until("503 Service Unavailable"));
  CHECK(third.read_until("Retry-After: "));
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
  CHECK(Client(fixture.port, kHello).read_until("\"hello\""));
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
  fixture->server.reset();
  fixture->store_event(1, "f");
  fixture->raw->send("late");
  CHECK(watching.reads_to_end());
  CHECK(raw.reads_to_end());
  const std::shared_ptr<EventStream> outlives = fixture->raw;
  fixture->server = std::make_unique<HttpServer>(Router(), fixture->intake);
  fixture.reset();
  outlives->send("later");
}
