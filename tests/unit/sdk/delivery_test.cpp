#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <httplib.h>

#include "sdk/core/gzip.h"
#include "sdk/delivery/curl_transport.h"
#include "sdk/delivery/retry_policy.h"
#include "sdk/delivery/sender.h"

using namespace trapline::sdk;
using namespace trapline;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kLong{20'000};

core::Dsn dsn(int port = 1) {
  return *core::parse_dsn("http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:" + std::to_string(port) + "/1");
}

/// Answers what the test told it to, and remembers the bodies. Holds answers back while the gate is closed.
class ScriptedTransport final : public Transport {
 public:
  struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<HttpAnswer> answers;  ///< in order; the last one for ever
    std::vector<std::string> bodies;
    bool is_open = true;
  };
  explicit ScriptedTransport(Script& script) : script_(script) {}

  HttpAnswer post(const std::string&, const std::vector<std::string>&, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    std::unique_lock lock(script_.mutex);
    while (!script_.is_open && !should_abort()) script_.changed.wait_for(lock, milliseconds(5));
    if (!script_.is_open) return {0, "", "", "aborted"};
    script_.bodies.push_back(*core::inflate(body, core::DeflateFormat::kGzip, 1 << 24));
    HttpAnswer answer = script_.answers.front();
    if (script_.answers.size() > 1) script_.answers.erase(script_.answers.begin());
    return answer;
  }

 private:
  Script& script_;
};

core::Event event(const std::string& message) {
  core::Event event;
  event.message = message;
  return event;
}

std::string render(core::Event& event) { return "{\"message\":\"" + event.message + "\"}"; }

std::unique_ptr<Sender> make_sender(ScriptedTransport::Script& script, SenderLimits limits = {}) {
  return std::make_unique<Sender>(
      dsn(), std::make_unique<ScriptedTransport>(script), render, [](const std::string&) {}, limits);
}

bool adds_up(const SenderCounts& counts) {
  return counts.captured ==
         counts.delivered + counts.rejected + counts.dropped_queue_full + counts.dropped_shutdown + counts.queued;
}

}  // namespace

TEST_CASE("answers are judged: 2xx delivered, lasting refusals dropped, all else tried again") {
  const auto verdict = [](int status) { return judge({status, "", "", ""}); };
  for (int status : {200, 202, 204}) CHECK(verdict(status) == Verdict::kDelivered);
  for (int status : {301, 400, 401, 403, 404, 413, 415}) CHECK(verdict(status) == Verdict::kRefused);
  for (int status : {0, 408, 429, 500, 502, 503, 504}) CHECK(verdict(status) == Verdict::kRetry);
}

TEST_CASE("the wait before a retry is what Retry-After asks for, else random below a doubling ceiling") {
  const core::UnixMillis now = 1795223297000;
  CHECK(retry_delay({503, "", "7", ""}, 0, 0.5, now) == milliseconds(7'000));
  CHECK(retry_delay({503, "", "Sat, 21 Nov 2026 01:08:27 GMT", ""}, 0, 0.5, now) == milliseconds(10'000));
  CHECK(retry_delay({503, "", "999999999", ""}, 0, 0.5, now) == milliseconds(3'600'000));
  CHECK(retry_delay({503, "", "-5", ""}, 0, 0.5, now) == milliseconds(0));
  CHECK(retry_delay({503, "", "soon", ""}, 0, 0.5, now) == milliseconds(500));
  CHECK(retry_delay({0, "", "", ""}, 2, 0.5, now) == milliseconds(2'000));
  CHECK(retry_delay({0, "", "", ""}, 100, 1.0, now) == milliseconds(300'000));
}

TEST_CASE("events go out in batches of at most the limit, one a line") {
  ScriptedTransport::Script script{.answers = {{202, "{}", "", ""}}};
  const auto sender = make_sender(script, {.max_batch_events = 10, .max_batch_age = kLong});
  for (int number = 0; number < 25; ++number) sender->push(event(std::to_string(number)));
  CHECK(sender->flush(kLong));
  REQUIRE(script.bodies.size() == 3);
  CHECK(std::count(script.bodies[0].begin(), script.bodies[0].end(), '\n') == 10);
  CHECK(
      script.bodies[2] ==
      "{\"message\":\"20\"}\n{\"message\":\"21\"}\n{\"message\":\"22\"}\n{\"message\":\"23\"}\n{\"message\":\"24\"}\n");
  CHECK(sender->counts().delivered == 25);
}

TEST_CASE("a batch of large events ends at its bytes") {
  ScriptedTransport::Script script{.answers = {{202, "{}", "", ""}}};
  const auto sender = make_sender(script, {.max_batch_bytes = 1000, .max_batch_age = kLong});
  for (int number = 0; number < 4; ++number) sender->push(event(std::string(600, 'x')));
  CHECK(sender->flush(kLong));
  CHECK(script.bodies.size() == 2);
}

TEST_CASE("events that the collector names as rejected are counted as such, the others as delivered") {
  ScriptedTransport::Script script{
      .answers = {{202, R"({"accepted":1,"rejected":[{"index":1,"code":"x","message":"y"}]})", "", ""}}};
  const auto sender = make_sender(script);
  sender->push(event("a"));
  sender->push(event("b"));
  CHECK(sender->flush(kLong));
  const SenderCounts counts = sender->counts();
  CHECK(counts.delivered + counts.rejected == 2);
  CHECK(counts.rejected >= 1);
  CHECK(adds_up(counts));
}

TEST_CASE("a garbage answer with a good status is a delivery") {
  ScriptedTransport::Script script{.answers = {{200, "<html>\xff", "", ""}}};
  const auto sender = make_sender(script);
  sender->push(event("a"));
  CHECK(sender->flush(kLong));
  CHECK(sender->counts().delivered == 1);
}

TEST_CASE("a batch is kept and sent again until the server is well") {
  ScriptedTransport::Script script{.answers = {{503, "", "0", ""}, {0, "", "0", "refused"}, {202, "{}", "", ""}}};
  const auto sender = make_sender(script);
  sender->push(event("a"));
  CHECK(sender->flush(kLong));
  REQUIRE(script.bodies.size() == 3);
  CHECK(script.bodies[0] == script.bodies[2]);
  CHECK(sender->counts().delivered == 1);
}

TEST_CASE("a batch that is refused for good is dropped and counted") {
  ScriptedTransport::Script script{.answers = {{401, "{}", "", ""}}};
  const auto sender = make_sender(script);
  sender->push(event("a"));
  CHECK(sender->flush(kLong));
  CHECK(sender->counts().rejected == 1);
}

TEST_CASE("a full queue drops and counts what comes on top, and takes again later") {
  ScriptedTransport::Script script{.answers = {{202, "{}", "", ""}}, .is_open = false};
  const auto sender = make_sender(script, {.max_queued = 3});
  for (int number = 0; number < 3; ++number) CHECK(sender->push(event("a")));
  CHECK_FALSE(sender->push(event("b")));
  CHECK(sender->counts().dropped_queue_full == 1);
  CHECK(adds_up(sender->counts()));
  {
    const std::lock_guard lock(script.mutex);
    script.is_open = true;
  }
  script.changed.notify_all();
  CHECK(sender->flush(kLong));
  CHECK(sender->push(event("c")));
}

TEST_CASE("a flush that takes too long says so, and keeps the events") {
  ScriptedTransport::Script script{.answers = {{202, "{}", "", ""}}, .is_open = false};
  const auto sender = make_sender(script);
  sender->push(event("a"));
  CHECK_FALSE(sender->flush(milliseconds(10)));
  CHECK(sender->counts().queued == 1);
}

TEST_CASE("stopping delivers what it can and drops, counted, what it cannot") {
  ScriptedTransport::Script well{.answers = {{202, "{}", "", ""}}};
  const auto lucky = make_sender(well, {.max_batch_age = kLong});
  lucky->push(event("a"));
  CHECK(lucky->stop(kLong));
  CHECK(lucky->counts().delivered == 1);

  ScriptedTransport::Script away{.answers = {{0, "", "", "refused"}}};
  const auto unlucky = make_sender(away);
  for (int number = 0; number < 5; ++number) unlucky->push(event("a"));
  CHECK_FALSE(unlucky->stop(milliseconds(50)));
  CHECK(unlucky->counts().dropped_shutdown == 5);
  CHECK_FALSE(unlucky->push(event("late")));
  CHECK(adds_up(unlucky->counts()));
}

TEST_CASE("many threads push at once and every event is accounted for") {
  ScriptedTransport::Script script{.answers = {{202, "{}", "", ""}}};
  const auto sender = make_sender(script);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int number = 0; number < 200; ++number) sender->push(event("x"));
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(sender->flush(kLong));
  const SenderCounts counts = sender->counts();
  CHECK(counts.captured == 1600);
  CHECK(counts.queued == 0);
  CHECK(adds_up(counts));
}

TEST_CASE("over HTTP the collector gets gzip NDJSON with the key, on one connection") {
  httplib::Server server;
  std::mutex mutex;
  std::vector<httplib::Request> requests;
  std::vector<int> ports;
  server.Post("/v1/events", [&](const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    requests.push_back(request);
    ports.push_back(request.remote_port);
    response.status = 202;
    response.set_content(R"({"accepted":1})", "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  {
    Sender sender(dsn(port), make_curl_transport(), render, [](const std::string&) {});
    for (int number = 0; number < 3; ++number) {
      sender.push(event("over the wire"));
      CHECK(sender.flush(kLong));
    }
    CHECK(sender.counts().delivered == 3);
  }
  server.stop();
  serving.join();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].get_header_value("Content-Type") == "application/x-ndjson");
  CHECK(requests[0].get_header_value("X-Sentry-Auth").find("sentry_key=5f0e1d2c3b4a59687f6e5d4c3b2a1908") !=
        std::string::npos);
  CHECK(requests[0].body == "{\"message\":\"over the wire\"}\n");  // cpp-httplib has inflated it
  CHECK(ports[0] == ports[2]);
}

TEST_CASE("a server that never answers holds nobody up longer than the stop allows") {
  httplib::Server server;
  std::atomic<bool> is_over{false};
  server.Post("/v1/events", [&](const httplib::Request&, httplib::Response&) {
    while (!is_over) std::this_thread::yield();
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  {
    Sender sender(dsn(port), make_curl_transport(), render, [](const std::string&) {});
    sender.push(event("a"));
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(sender.stop(milliseconds(200)));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  }
  is_over = true;
  server.stop();
  serving.join();
}
