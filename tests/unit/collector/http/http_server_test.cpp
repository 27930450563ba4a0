/// The server on a real socket: deadlines, limits, and clients that behave badly.

#include "collector/http/http_server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "collector/http/client_address.h"
#include "collector/http/descriptor_limit.h"
#include "collector/storage/open_store.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using std::chrono::milliseconds;
using Client = trapline::tests::SocketClient;

namespace {

/// A door that tests open: requests wait at it.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_; });
  }
  void wait_for_waiting(int count) {
    std::unique_lock lock(mutex_);
    CHECK(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_ >= count; }));
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_open_ = false;
};

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake;
  Gate gate;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  int port = 0;
  const std::string key = std::string(32, 'a');

  explicit Fixture(HttpOptions options = {}, IntakeLimits limits = {}) : intake(*store, *spool, limits) {
    REQUIRE(store->create_project("one", key));
    Router router;
    router.add("GET", "/api/hello", [](const HttpRequest&) { return json_reply("hello"); });
    router.add("GET", "/api/stranger",
               [](const HttpRequest&) { return error_reply(401, "not_signed_in", "nobody knows you"); });
    router.add("GET", "/api/peer", [](const HttpRequest& request) {
      HttpReply reply;
      reply.body = request.peer;
      return reply;
    });
    router.add("GET", "/api/large", [](const HttpRequest&) {
      HttpReply reply;
      reply.body.assign(std::size_t{20} << 20, 'x');
      return reply;
    });
    router.add("GET", "/api/wait", [this](const HttpRequest&) {
      gate.wait();
      return json_reply("waited");
    });
    router.add("POST", "/api/echo", [](const HttpRequest& request) {
      HttpReply reply;
      reply.body = request.body;
      return reply;
    });
    server = std::make_unique<HttpServer>(std::move(router), intake, std::move(options));
    port = server->bind("127.0.0.1", 0).value();
    thread = std::thread([this] { server->run(); });
  }
  ~Fixture() {
    gate.open();
    server->stop();
    thread.join();
  }

  std::string ask(const std::string& request) const {
    Client client(port);
    client.write(request);
    return client.read_until("\r\n\r\n");
  }
  std::string event(const std::string& body) const {
    return "POST /v1/events HTTP/1.1\r\nHost: h\r\nAuthorization: Trapline " + key +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

const std::string kHello = "GET /api/hello HTTP/1.1\r\nHost: h\r\n\r\n";

}  // namespace

TEST_CASE("requests on one connection are answered in order, also when they come in one piece") {
  Fixture fixture;
  Client client(fixture.port);
  client.write(kHello + "POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" + kHello +
               "GET /api/nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answers = client.read_all();
  const std::size_t first = answers.find("\"hello\"");
  const std::size_t echo = answers.find("\r\n\r\nabc");
  const std::size_t last = answers.find("404 Not Found");
  CHECK(first < echo);
  CHECK(echo < last);
  CHECK(last != std::string::npos);
  CHECK(answers.find("Connection: close") != std::string::npos);
}

TEST_CASE("HEAD is answered without a body, and an answer larger than the socket's buffer arrives whole") {
  Fixture fixture;
  const std::string head = Fixture().ask("HEAD /api/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(head.find("Content-Length: 7") != std::string::npos);
  CHECK(head.find("hello") == std::string::npos);
  Client client(fixture.port);
  client.write("GET /api/large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  CHECK(client.read_all().size() > (std::size_t{20} << 20));
}

TEST_CASE("a client that waits for leave to send its body gets it") {
  Fixture fixture;
  Client client(fixture.port);
  client.write("POST /api/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n").find("100 Continue") != std::string::npos);
  client.write("abc");
  CHECK(client.read_until("abc").find("200 OK") != std::string::npos);
}

TEST_CASE("a body over the limit is answered 413 while it is still coming, and the answer can be read") {
  Fixture fixture({}, {.max_body_bytes = 1'000});
  Client client(fixture.port);
  client.write(fixture.event(std::string(3 << 20, 'x')));
  const std::string answer = client.read_until("body_too_large");
  CHECK(answer.find("413 ") != std::string::npos);
  CHECK(answer.find("body_too_large") != std::string::npos);
  // At any other path 64 KiB are enough.
  CHECK(fixture.ask("POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n").find("413 ") !=
        std::string::npos);
}

TEST_CASE("a head or a body that trickles is ended by a deadline for the whole of it, with 408") {
  Fixture fixture({.head_deadline = milliseconds(300), .body_deadline = milliseconds(300)});
  for (const std::string& beginning :
       {std::string("GET /api/hello HTT"),
        std::string("POST /api/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx")}) {
    CAPTURE(beginning);
    Client client(fixture.port);
    client.write(beginning);
    std::atomic<bool> is_done{false};
    // A byte now and then does not help.
    std::thread trickle([&] {
      while (!is_done) {
        client.write("x");
        std::this_thread::sleep_for(milliseconds(20));
      }
    });
    const std::string answer = client.read_until("request_timeout");
    is_done = true;
    trickle.join();
    CHECK(answer.find("408 ") != std::string::npos);
  }
  CHECK(fixture.server->counts().timed_out_requests == 2);
}

TEST_CASE("an idle connection is closed without a word") {
  Fixture fixture({.idle_deadline = milliseconds(200)});
  Client silent(fixture.port);
  CHECK(silent.read_all().empty());
  Client once(fixture.port);
  once.write(kHello);
  const std::string answer = once.read_all();
  CHECK(answer.ends_with("\"hello\""));
}

TEST_CASE("line ends before a request keep no connection open") {
  Fixture fixture({.idle_deadline = milliseconds(300)});
  Client client(fixture.port);
  std::atomic<bool> is_done{false};
  std::thread trickle([&] {
    while (!is_done) {
      client.write("\r\n");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(client.read_all().empty());
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(8));
  is_done = true;
  trickle.join();
}

TEST_CASE("pages can read every refusal, and projects see those that name them") {
  Fixture fixture({.head_deadline = milliseconds(200), .max_connections_per_ip = 1}, {.max_body_bytes = 1'000});
  const std::string cors = "Access-Control-Allow-Origin: *";
  fixture.intake.keep_house();
  CHECK(fixture.ask("POST /v1/events HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n").find(cors) != std::string::npos);
  const auto wait = [&] {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (fixture.server->counts().connections > 0 && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
  };
  wait();
  CHECK(fixture.ask(fixture.event(std::string(2'000, 'x'))).find(cors) != std::string::npos);
  wait();
  CHECK(fixture.ask("POST /v1/ev").find("408 ") != std::string::npos);
  wait();
  Client first(fixture.port);
  first.write(kHello);
  first.read_until("\"hello\"");
  CHECK(Client(fixture.port).read_all().find(cors) != std::string::npos);
  fixture.intake.keep_house();
  const auto refusals = fixture.store->find_refusals(1, 0, std::numeric_limits<UnixMillis>::max());
  REQUIRE(refusals->size() == 1);
  CHECK(refusals->at(0).reason == "body_too_large");
}

TEST_CASE("a request that ends too early is told so, if anybody still listens") {
  Fixture fixture;
  Client client(fixture.port);
  client.write("POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{");
  client.end_writing();
  CHECK(client.read_all().find("incomplete_body") != std::string::npos);
  CHECK(fixture.intake.counts().rejected.at("incomplete_body") == 1);
}

TEST_CASE("one address may have so many connections, and gets another when one is closed") {
  Fixture fixture({.max_connections_per_ip = 3});
  std::vector<std::unique_ptr<Client>> open;
  for (int number = 0; number < 3; ++number) {
    open.push_back(std::make_unique<Client>(fixture.port));
    open.back()->write(kHello);
    CHECK(open.back()->read_until("\"hello\"").find("200 OK") != std::string::npos);
  }
  const std::string refused = Client(fixture.port).read_all();
  CHECK(refused.find("503 ") != std::string::npos);
  CHECK(refused.find("Retry-After") != std::string::npos);
  CHECK(fixture.server->counts().refused_connections == 1);
  open.pop_back();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (fixture.server->counts().connections > 2 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  CHECK(fixture.ask(kHello).find("200 OK") != std::string::npos);
}

TEST_CASE("when there are too many connections, the longest idle one makes room") {
  Fixture fixture({.max_connections = 2});
  Client oldest(fixture.port);
  oldest.write(kHello);
  oldest.read_until("\"hello\"");
  Client second(fixture.port);
  second.write(kHello);
  second.read_until("\"hello\"");
  // One that has its answer is idle a moment later; until then the new one is told to come again.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::string answer;
  while (answer.find("200 OK") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    answer = fixture.ask(kHello);
  }
  CHECK(answer.find("200 OK") != std::string::npos);
  CHECK(oldest.read_all().empty());
}

TEST_CASE("when all connections are busy, another is refused with 503 instead of one that is being served") {
  Fixture fixture({.max_connections = 1, .api_threads = 1});
  Client busy(fixture.port);
  busy.write("GET /api/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture.gate.wait_for_waiting(1);
  CHECK(Client(fixture.port).read_all().find("503 ") != std::string::npos);
  fixture.gate.open();
  CHECK(busy.read_until("waited").find("200 OK") != std::string::npos);
}

TEST_CASE("who is half-way through a head makes room for an honest client, and who is being served does not") {
  HttpOptions options;
  options.max_connections = 3;
  Fixture fixture(options);
  Client busy(fixture.port);
  busy.write("GET /api/wait HTTP/1.1\r\nHost: a\r\n\r\n");
  fixture.gate.wait_for_waiting(1);
  std::vector<std::unique_ptr<Client>> slow;
  for (int number = 0; number < 10; ++number) {
    slow.push_back(std::make_unique<Client>(fixture.port));
    slow.back()->write("GET /api/hello HTTP/1.1\r\nX-Slow: ");
  }
  Client honest(fixture.port);
  honest.write("GET /api/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(honest.read_all().starts_with("HTTP/1.1 200"));
  fixture.gate.open();
  CHECK(busy.read_until("waited").starts_with("HTTP/1.1 200"));
}

TEST_CASE("a client that comes when all connections are busy reads its 503 also when it has sent a lot first") {
  HttpOptions options;
  options.max_connections = 1;
  Fixture fixture(options);
  Client busy(fixture.port);
  busy.write("GET /api/wait HTTP/1.1\r\nHost: a\r\n\r\n");
  fixture.gate.wait_for_waiting(1);
  Client honest(fixture.port);
  CHECK(honest.write("POST /api/1/envelope/ HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" +
                     std::string(9'000'000, 'x')));
  honest.end_writing();
  const std::string answer = honest.read_all();
  CHECK(answer.starts_with("HTTP/1.1 503"));
  CHECK(answer.find("Retry-After: ") != std::string::npos);
  CHECK(answer.ends_with("}"));
}

TEST_CASE("connections are capped so that files can still be opened") {
  CHECK(connections_within(1'048'576, 129, 10'000) == 10'000);
  CHECK(connections_within(4'096, 129, 10'000) == 4'096 - 129 - 256);
  CHECK(connections_within(60, 129, 10'000) == 30);
  CHECK(connections_within(1, 129, 10'000) == 1);
}

TEST_CASE("what does not fit into the queue is told 503, and the doors do not wait for the API") {
  Fixture fixture({.max_waiting_requests = 1, .api_threads = 1});
  Client busy(fixture.port);
  busy.write("GET /api/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture.gate.wait_for_waiting(1);
  Client waiting(fixture.port);
  waiting.write("GET /api/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  std::string refused;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (refused.find("503 ") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    refused = fixture.ask("GET /api/wait HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  }
  CHECK(refused.find("Retry-After") != std::string::npos);
  CHECK(fixture.ask(fixture.event("{}")).find("202 Accepted") != std::string::npos);
  fixture.gate.open();
  CHECK(waiting.read_until("waited").find("200 OK") != std::string::npos);
}

TEST_CASE("bodies in memory are bounded, and what is over the bound is told 503") {
  Fixture fixture({.max_buffered_bytes = 200'000});
  Client first(fixture.port);
  first.write("POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + std::string(150'000, 'x'));
  std::string refused;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (refused.find("503 ") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    refused = fixture.ask("POST /v1/events HTTP/1.1\r\nHost: h\r\nContent-Length: 190000\r\n\r\n" +
                          std::string(150'000, 'x'));
  }
  CHECK(refused.find("503 ") != std::string::npos);
  CHECK(fixture.ask(fixture.event("{}")).find("202 Accepted") != std::string::npos);
}

TEST_CASE("a proxy that is trusted names its client, one that is not does not") {
  CHECK(client_address("192.0.2.9", "198.51.100.1", {}) == "192.0.2.9");
  const std::vector<AddressRange> trusted = {*AddressRange::parse("127.0.0.0/8"), *AddressRange::parse("10.0.0.0/8")};
  CHECK(client_address("127.0.0.1", "198.51.100.1", trusted) == "198.51.100.1");
  // What stands before the last untrusted address may be made up.
  CHECK(client_address("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.7", trusted) == "198.51.100.1");
  CHECK(client_address("127.0.0.1", "nonsense", trusted) == "127.0.0.1");
  CHECK(client_address("192.0.2.9", "198.51.100.1", trusted) == "192.0.2.9");
  HttpOptions options;
  options.trusted_proxies = trusted;
  Fixture fixture(std::move(options));
  Client client(fixture.port);
  client.write("GET /api/peer HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 2001:db8::5\r\nConnection: close\r\n\r\n");
  CHECK(client.read_all().ends_with("2001:db8::5"));
}

TEST_CASE("the API limits each token and session by itself, and neither the doors nor the health checks") {
  Fixture fixture({.api_requests_per_minute = 2});
  const auto ask = [&](const std::string& header) {
    return fixture.ask("GET /api/hello HTTP/1.1\r\nHost: h\r\n" + header + "\r\n");
  };
  const std::string token = "Authorization: Bearer one\r\n";
  CHECK(ask(token).find("200 OK") != std::string::npos);
  CHECK(ask(token).find("200 OK") != std::string::npos);
  const std::string refused = ask(token);
  CHECK(refused.find("429 ") != std::string::npos);
  CHECK(refused.find("Retry-After: 30") != std::string::npos);
  CHECK(ask("Authorization: Bearer two\r\n").find("200 OK") != std::string::npos);
  CHECK(ask("Cookie: trapline_session=s\r\n").find("200 OK") != std::string::npos);
  // Tokens that are made up have one limit together, kinds of questions one each.
  CHECK(ask("Authorization: Bearer three\r\n").find("200 OK") != std::string::npos);
  const auto stranger = [&](const std::string& name) {
    return fixture.ask("GET /api/stranger HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + name + "\r\n\r\n");
  };
  CHECK(stranger("a").find("401 ") != std::string::npos);
  CHECK(stranger("b").find("401 ") != std::string::npos);
  CHECK(stranger("c").find("429 ") != std::string::npos);
  for (int number = 0; number < 4; ++number) {
    CHECK(fixture.ask(fixture.event("{}")).find("202 Accepted") != std::string::npos);
    CHECK(fixture.ask("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n").find("429") == std::string::npos);
  }
}

TEST_CASE("stopping answers the requests in hand first") {
  auto fixture = std::make_unique<Fixture>();
  Client client(fixture->port);
  client.write("GET /api/wait HTTP/1.1\r\nHost: h\r\n\r\n");
  fixture->gate.wait_for_waiting(1);
  std::thread end([&] { fixture.reset(); });
  CHECK(client.read_until("waited").find("200 OK") != std::string::npos);
  end.join();
}
