/// Answers that are made while they are sent, on a real socket.

#include "collector/http/long_answer.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "collector/http/http_server.h"
#include "collector/storage/open_store.h"
#include "tests/support/socket_client.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;
using std::chrono::milliseconds;
using Client = trapline::tests::SocketClient;

namespace {

constexpr std::size_t kPieceBytes = std::size_t{256} << 10;

/// What the server did with the bodies that it was given.
class Watch {
 public:
  void made_piece() {
    change([&] { ++pieces_; });
  }
  void began() {
    change([&] { ++open_; });
  }
  void ended() {
    change([&] { --open_; });
  }
  template <class Condition>
  bool wait_for(Condition is_so) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return is_so(pieces_, open_); });
  }
  int pieces() {
    const std::lock_guard lock(mutex_);
    return pieces_;
  }

 private:
  template <class Change>
  void change(Change make) {
    const std::lock_guard lock(mutex_);
    make();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  int pieces_ = 0;
  int open_ = 0;
};

/// So many pieces; then the end, an error or an exception.
class Pieces : public BodySource {
 public:
  enum class End { kLast, kError, kThrows };
  Pieces(Watch& watch, int count, std::size_t bytes, End end) : watch_(watch), left_(count), bytes_(bytes), end_(end) {
    watch_.began();
  }
  ~Pieces() override { watch_.ended(); }

  Result<Piece> next() override {
    watch_.made_piece();
    if (--left_ > 0) return Piece{std::string(bytes_, 'x'), false};
    if (end_ == End::kError) return Error{"storage", "the disk is gone"};
    if (end_ == End::kThrows) throw std::runtime_error("thrown");
    return Piece{"end", true};
  }

 private:
  Watch& watch_;
  int left_;
  const std::size_t bytes_;
  const End end_;
};

struct Fixture {
  trapline::tests::TemporaryFolder folder;
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url()).value();
  std::unique_ptr<Spool> spool = Spool::open(folder.path("s")).value();
  Intake intake{*store, *spool, {}};
  Watch watch;
  std::unique_ptr<HttpServer> server;
  std::thread thread;
  int port = 0;

  explicit Fixture(HttpOptions options = {}) {
    Router router;
    const auto add = [&](const char* path, int count, std::size_t bytes, Pieces::End end) {
      router.add("GET", path, [this, count, bytes, end](const HttpRequest&) {
        HttpReply reply;
        reply.content_type = "text/plain";
        reply.body = "begin";
        reply.rest = std::make_shared<Pieces>(watch, count, bytes, end);
        return reply;
      });
    };
    add("/api/few", 3, 10, Pieces::End::kLast);
    add("/api/empty", 5, 0, Pieces::End::kLast);
    add("/api/many", 100'000, kPieceBytes, Pieces::End::kLast);
    add("/api/idle", 100'000'000, 0, Pieces::End::kLast);
    add("/api/error", 2, 10, Pieces::End::kError);
    add("/api/throw", 2, 10, Pieces::End::kThrows);
    router.add("GET", "/api/hello", [](const HttpRequest&) { return json_reply("hello"); });
    server = std::make_unique<HttpServer>(std::move(router), intake, std::move(options));
    port = server->bind("127.0.0.1", 0).value();
    thread = std::thread([this] { server->run(); });
  }
  ~Fixture() { stop(); }
  void stop() {
    server->stop();
    if (thread.joinable()) thread.join();
  }
};

std::string get(const std::string& path, const std::string& version = "1.1") {
  return "GET " + path + " HTTP/" + version + "\r\nHost: h\r\n\r\n";
}

}  // namespace

TEST_CASE("a long answer comes in chunks, and the connection goes on behind it") {
  Fixture fixture;
  Client client(fixture.port, get("/api/few") + get("/api/hello"));
  const std::string head = client.read_until("\r\n\r\n");
  CHECK(head.find("Transfer-Encoding: chunked") != std::string::npos);
  CHECK(head.find("Content-Length") == std::string::npos);
  CHECK(client.read_until("0\r\n\r\n") == "5\r\nbegin\r\na\r\nxxxxxxxxxx\r\na\r\nxxxxxxxxxx\r\n3\r\nend\r\n0\r\n\r\n");
  CHECK(client.receives("\"hello\""));
}

TEST_CASE("a piece without anything in it is not the end of a long answer") {
  Fixture fixture;
  Client client(fixture.port, get("/api/empty"));
  client.read_until("\r\n\r\n");
  CHECK(client.read_until("0\r\n\r\n") == "5\r\nbegin\r\n3\r\nend\r\n0\r\n\r\n");
}

TEST_CASE("a client of HTTP/1.0 gets a long answer as it is, up to the end of the connection") {
  Fixture fixture;
  Client client(fixture.port, get("/api/few", "1.0"));
  CHECK(client.read_until("\r\n\r\n").find("chunked") == std::string::npos);
  CHECK(client.read_all() == "beginxxxxxxxxxxxxxxxxxxxxend");
  CHECK(client.reads_to_end());
}

TEST_CASE("HEAD is told of a long answer and makes none of it") {
  Fixture fixture;
  Client client(fixture.port, "HEAD /api/many HTTP/1.1\r\nHost: h\r\n\r\n" + get("/api/hello"));
  CHECK(client.read_until("\r\n\r\n").find("chunked") != std::string::npos);
  CHECK(client.read_until("\r\n\r\n").find("Content-Length: 7") != std::string::npos);
  CHECK(fixture.watch.pieces() == 0);
}

TEST_CASE("of a long answer no more is made than its client takes, and nobody waits for it") {
  Fixture fixture({.door_threads = 1, .api_threads = 1, .long_answer_threads = 1});
  Client still(fixture.port, get("/api/many"), 4'096);
  REQUIRE(fixture.watch.wait_for([](int pieces, int) { return pieces >= 1; }));
  // It is not waited for: more answers of this kind than threads go on, and so does the API.
  Client other(fixture.port, get("/api/few"));
  CHECK(other.receives("0\r\n\r\n"));
  CHECK(Client(fixture.port, get("/api/hello")).receives("\"hello\""));
  // What fits into the sockets of this machine is a few megabytes at most; the answer has 25 GB.
  CHECK(fixture.watch.pieces() < 100);
}

TEST_CASE("a client that goes away ends its long answer, also one of which nothing is found to send") {
  for (const char* path : {"/api/many", "/api/idle"}) {
    CAPTURE(path);
    Fixture fixture;
    {
      Client client(fixture.port, get(path));
      CHECK(client.receives("begin"));
    }
    CHECK(fixture.watch.wait_for([](int, int open) { return open == 0; }));
    CHECK(fixture.watch.pieces() < 100'000'000);
  }
}

TEST_CASE("a client that takes nothing for too long loses its long answer") {
  Fixture fixture({.write_deadline = milliseconds(300)});
  const Client client(fixture.port, get("/api/many"), 4'096);
  CHECK(fixture.watch.wait_for([](int pieces, int open) { return pieces > 0 && open == 0; }));
}

TEST_CASE("a long answer that fails is broken off, so that nobody takes it for a whole one") {
  Fixture fixture;
  for (const char* path : {"/api/error", "/api/throw"}) {
    CAPTURE(path);
    Client client(fixture.port, get(path));
    CHECK(client.reads_to_end());
    CHECK(client.read().find("0\r\n\r\n") == std::string::npos);
    CHECK(fixture.watch.wait_for([](int, int open) { return open == 0; }));
  }
  CHECK(Client(fixture.port, get("/api/hello")).receives("\"hello\""));
}

TEST_CASE("when as many long answers run as may, another is told to come back, until one ends") {
  Fixture fixture({.max_long_answers = 1});
  {
    const Client first(fixture.port, get("/api/many"), 4'096);
    REQUIRE(fixture.watch.wait_for([](int pieces, int) { return pieces >= 1; }));
    Client second(fixture.port, get("/api/few"));
    CHECK(second.read_until("\r\n\r\n").find("503 ") != std::string::npos);
    CHECK(second.receives("exports"));
  }
  REQUIRE(fixture.watch.wait_for([](int, int open) { return open == 0; }));
  CHECK(Client(fixture.port, get("/api/few")).receives("0\r\n\r\n"));
}

TEST_CASE("a server ends at once with long answers open, and breaks them off") {
  Fixture fixture;
  Client still(fixture.port, get("/api/many"), 4'096);
  Client idle(fixture.port, get("/api/idle"));
  REQUIRE(fixture.watch.wait_for([](int pieces, int open) { return pieces >= 2 && open == 2; }));
  const auto start = std::chrono::steady_clock::now();
  fixture.stop();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
  CHECK(fixture.watch.wait_for([](int, int open) { return open == 0; }));
  CHECK(idle.reads_to_end());
}
