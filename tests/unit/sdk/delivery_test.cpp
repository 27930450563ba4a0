#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include "sdk/core/gzip.h"
#include "sdk/core/timestamp.h"
#include "sdk/delivery/batch.h"
#include "sdk/delivery/memory_buffer.h"
#include "sdk/delivery/plain_transport.h"
#include "sdk/delivery/retry_policy.h"
#include "sdk/delivery/sender.h"
#include "sdk/delivery/sqlite_buffer.h"
#include "tests/support/temporary_folder.h"

using namespace trapline::sdk;
using namespace trapline;
using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

namespace {

constexpr milliseconds kLong{20'000};
Steady::time_point soon() { return Steady::now() + kLong; }

core::Dsn dsn() { return *core::parse_dsn("http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1"); }

/// Answers what the test told it to, and remembers the requests. Holds answers back while the gate is closed.
struct Script {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<HttpAnswer> answers;                           ///< in order; the last one for ever
  std::function<HttpAnswer(const std::string& body)> judge;  ///< instead of them
  std::vector<std::string> bodies;
  std::vector<std::string> urls;
  std::vector<std::vector<std::string>> headers;
  bool is_open = true;

  std::size_t requests() {
    const std::lock_guard lock(mutex);
    return bodies.size();
  }
};

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(Script& script) : script_(script) {}

  HttpAnswer post(const std::string& url, const std::vector<std::string>& headers, const std::string& body,
                  const std::function<bool()>& should_abort) override {
    std::unique_lock lock(script_.mutex);
    while (!script_.is_open && !should_abort()) script_.changed.wait_for(lock, milliseconds(5));
    if (!script_.is_open) return {0, "", "", "aborted", ""};
    script_.urls.push_back(url);
    script_.headers.push_back(headers);
    script_.bodies.push_back(*core::inflate(body, core::DeflateFormat::kGzip, 1 << 24));
    if (script_.judge) return script_.judge(script_.bodies.back());
    HttpAnswer answer = script_.answers.front();
    if (script_.answers.size() > 1) script_.answers.erase(script_.answers.begin());
    return answer;
  }

 private:
  Script& script_;
};

struct Fixture {
  Script script;
  LedgerCounters ledger;
  std::shared_ptr<EventBuffer> buffer = make_memory_buffer(1 << 24, ledger);
  std::shared_ptr<Sender> sender;
  int added = 0;

  explicit Fixture(SenderOptions options = {}, std::vector<HttpAnswer> answers = {{202, "{}", "", "", ""}}) {
    options.dsn = dsn();
    options.run_id = "run";
    options.release = "shop@1";
    script.answers = std::move(answers);
    sender = Sender::start(std::move(options), std::make_unique<ScriptedTransport>(script), buffer, ledger, nullptr,
                           [](const std::string&) {});
  }
  ~Fixture() { sender->stop(); }

  void add(int count, std::size_t bytes = 10, ItemKind kind = ItemKind::kEvent) {
    std::vector<NewItem> items;
    for (int index = 0; index < count; ++index) {
      const std::string number = std::to_string(added++);
      items.push_back(
          {kind, "id" + number, false, "{\"n\":" + number + ",\"x\":\"" + std::string(bytes, 'x') + "\"}", 0});
    }
    ledger.captured += static_cast<std::uint64_t>(count);
    buffer->add("run", 0, items);
    sender->notify(items.size(), bytes * items.size());
  }
  /// What the first line of a request says.
  nlohmann::json header(std::size_t request) {
    const std::string& body = script.bodies.at(request);
    return nlohmann::json::parse(body.substr(0, body.find('\n'))).at("trapline_batch");
  }
  void wait_for_requests(std::size_t count) {
    while (script.requests() < count) std::this_thread::yield();
  }
  std::size_t lines(std::size_t request) {
    return static_cast<std::size_t>(std::count(script.bodies[request].begin(), script.bodies[request].end(), '\n'));
  }
};

/// A batch without when it was sent.
std::string without_time(std::string body) {
  const std::string key = "\"sent_at\":";
  const std::size_t at = body.find(key);
  return at == std::string::npos ? body : body.erase(at, body.find(',', at) + 1 - at);
}

}  // namespace

TEST_CASE("answers are judged: delivered, refused for what they hold, or to be tried again") {
  const auto verdict = [](int status) { return judge({status, "", "", "", ""}); };
  for (int status : {200, 202, 204}) CHECK(verdict(status) == Verdict::kDelivered);
  for (int status : {400, 409, 413, 415, 422}) CHECK(verdict(status) == Verdict::kRefused);
  for (int status : {0, 301, 307, 401, 403, 404, 407, 408, 429, 500, 502, 503, 504}) {
    CHECK(verdict(status) == Verdict::kRetry);
  }
}

TEST_CASE("Retry-After is seconds or a date, at most an hour; a backoff is random below a doubling ceiling") {
  const core::UnixMillis now = 1795223297000;
  CHECK(parse_retry_after("7", now) == milliseconds(7'000));
  CHECK(parse_retry_after("Sat, 21 Nov 2026 01:08:27 GMT", now) == milliseconds(10'000));
  CHECK(parse_retry_after("999999999", now) == milliseconds(3'600'000));
  CHECK(parse_retry_after("-5", now) == milliseconds(0));
  for (const char* senseless : {"soon", "", "Sat, 41 Nov 2026 01:08:27 GMT", "Sat, 21 Foo 2026 01:08:27 GMT"}) {
    CHECK_FALSE(parse_retry_after(senseless, now));
  }
  CHECK(backoff(0, 0.5) == milliseconds(500));
  CHECK(backoff(2, 0.5) == milliseconds(2'000));
  CHECK(backoff(100, 1.0) == milliseconds(300'000));
}

TEST_CASE("rate limits hold by category, for as long as the server asks") {
  RateLimits limits;
  const RateLimits::Time now = Steady::now();
  limits.note({429, "", "", "", "60:error;transaction:key, 10:session:organization:quota, nonsense, 5x:error"}, 0, now);
  CHECK(limits.blocked_until("error") == now + std::chrono::seconds(60));
  CHECK(limits.blocked_until("session") == now + std::chrono::seconds(10));
  CHECK(limits.blocked_until("attachment") < now);
  limits.note({429, "", "", "", "30::key"}, 0, now);
  CHECK(limits.blocked_until("attachment") == now + std::chrono::seconds(30));
  RateLimits plain;
  plain.note({429, "", "3", "", ""}, 0, now);
  CHECK(plain.blocked_until("error") == now + std::chrono::seconds(3));
}

TEST_CASE("events go out in batches of at most the limit, one a line after a line about them all") {
  Fixture fixture({.max_batch_events = 10, .max_batch_age = kLong});
  fixture.add(25);
  CHECK(fixture.sender->flush(soon()));
  REQUIRE(fixture.script.bodies.size() == 3);
  CHECK(fixture.lines(0) == 11);
  CHECK(fixture.lines(2) == 6);
  const auto header = nlohmann::json::parse(fixture.script.bodies[0].substr(0, fixture.script.bodies[0].find('\n')));
  CHECK(trapline::core::parse_timestamp(header["trapline_batch"]["sent_at"].get<std::string>()).has_value());
  CHECK(header["trapline_batch"]["run"] == "run");
  CHECK(header["trapline_batch"]["release"] == "shop@1");
  CHECK(header["trapline_batch"]["ledger"] == nlohmann::json{{"captured", 25}});
  CHECK(fixture.ledger.of(Fate::kDelivered) == 25);
}

TEST_CASE("the ledger names drops by the standard reasons of client reports where there are such") {
  RunLedger ledger{"run", "", 13};
  ledger.fates.fill(1);
  const auto json = nlohmann::json::parse(ledger_json(ledger));
  CHECK(json.size() == 1 + kFates);
  for (const char* reason : {"sample_rate", "event_processor", "queue_overflow", "cache_overflow", "before_send"}) {
    CHECK(json.contains(reason));
  }
}

TEST_CASE("what was dropped is told without events, once, and again when there is more") {
  Fixture fixture({.max_batch_age = milliseconds(1)});
  fixture.ledger.captured += 2;
  fixture.ledger.count(Fate::kSampled, 2);
  fixture.sender->tell_ledger();
  fixture.wait_for_requests(1);
  CHECK(fixture.lines(0) == 1);
  CHECK(fixture.header(0)["ledger"] == nlohmann::json{{"captured", 2}, {"sample_rate", 2}});
  while (fixture.sender->told().dropped < 2) std::this_thread::yield();
  fixture.sender->tell_ledger();
  fixture.add(1);
  fixture.wait_for_requests(2);
  CHECK(fixture.lines(1) == 2);
  while (fixture.ledger.of(Fate::kDelivered) < 1) std::this_thread::yield();
  fixture.sender->tell_ledger();  // the batch has told it
  ++fixture.ledger.captured;
  fixture.ledger.count(Fate::kFiltered);
  fixture.sender->tell_ledger();
  fixture.wait_for_requests(3);
  CHECK(fixture.header(2)["ledger"] ==
        nlohmann::json{{"captured", 4}, {"delivered", 1}, {"sample_rate", 2}, {"event_processor", 1}});
}

TEST_CASE("counters that could not be told are told when the server is well again") {
  Fixture fixture({.max_batch_age = milliseconds(1)}, {{503, "", "0", "", ""}, {202, "{}", "", "", ""}});
  fixture.ledger.captured += 1;
  fixture.ledger.count(Fate::kSampled);
  fixture.sender->tell_ledger();
  while (fixture.sender->told().dropped < 1) std::this_thread::yield();
  CHECK(fixture.script.requests() == 2);
}

TEST_CASE("a server that takes client reports is sent no ledger") {
  Fixture fixture({.speaks_sentry = true, .max_batch_age = milliseconds(1)});
  fixture.ledger.captured += 1;
  fixture.ledger.count(Fate::kSampled);
  fixture.sender->tell_ledger();
  fixture.add(1);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.script.bodies.size() == 1);
  CHECK(fixture.script.bodies[0].find("ledger") == std::string::npos);
}

TEST_CASE("a batch has events of one run, and that run's counters") {
  const tests::TemporaryFolder folder;
  const std::string gone(32, 'b');
  Script script;
  script.answers = {{202, "{}", "", "", ""}};
  LedgerCounters ledger;
  const auto no_report = [](const std::string&) {};
  {
    LedgerCounters counters;
    const auto theirs = open_sqlite_buffer(folder.path("events.db"), gone, {}, counters, no_report);
    theirs->add(gone, 0, {{ItemKind::kEvent, "a", false, "{}", 0}, {ItemKind::kEvent, "b", false, "{}", 0}});
  }
  const std::shared_ptr<EventBuffer> buffer =
      open_sqlite_buffer(folder.path("events.db"), std::string(32, 'a'), {}, ledger, no_report);
  buffer->adopt(gone, {7, {{Fate::kSampled, 5}}, "shop@1"});
  buffer->add(std::string(32, 'a'), 0, {{ItemKind::kEvent, "c", false, "{}", 0}});
  ledger.captured = 1;
  SenderOptions options{dsn()};
  options.run_id = std::string(32, 'a');
  options.release = "shop@2";
  const auto sender =
      Sender::start(options, std::make_unique<ScriptedTransport>(script), buffer, ledger, nullptr, no_report);
  sender->notify(3, 6);
  CHECK(sender->flush(soon()));
  sender->stop();
  REQUIRE(script.bodies.size() == 2);
  CHECK(without_time(script.bodies[0]) == R"({"trapline_batch":{"run":")" + gone +
                                              R"(","release":"shop@1","ledger":{"captured":7,"sample_rate":5}}})" +
                                              "\n{}\n{}\n");
  CHECK(script.bodies[1].find(R"("release":"shop@2","ledger":{"captured":1}})") != std::string::npos);
  CHECK_FALSE(buffer->untold_ledger());
}

TEST_CASE("a gone run that left no events is told of by its counters alone, also when the first try fails") {
  const tests::TemporaryFolder folder;
  const std::string own(32, 'a');
  const std::string gone(32, 'b');
  Script script;
  script.answers = {{503, "", "0", "", ""}, {202, "{}", "", "", ""}};
  LedgerCounters ledger;
  const std::shared_ptr<EventBuffer> buffer =
      open_sqlite_buffer(folder.path("events.db"), own, {}, ledger, [](const std::string&) {});
  buffer->adopt(gone, {4, {{Fate::kTorn, 4}}, "shop@1"});
  SenderOptions options{dsn()};
  options.max_batch_age = milliseconds(1);
  options.run_id = own;
  const auto sender = Sender::start(options, std::make_unique<ScriptedTransport>(script), buffer, ledger, nullptr,
                                    [](const std::string&) {});
  sender->notify(1, 0);
  while (buffer->untold_ledger()) std::this_thread::yield();
  sender->stop();
  REQUIRE(script.bodies.size() == 2);
  CHECK(without_time(script.bodies[0]) == without_time(script.bodies[1]));
  CHECK(script.bodies[1].find(R"("run":")" + gone + R"(","release":"shop@1","ledger":{"captured":4,"torn":4})") !=
        std::string::npos);
}

TEST_CASE("a flush gives the counters of a gone run a moment, and no more") {
  const auto no_report = [](const std::string&) {};
  for (const bool is_open : {true, false}) {
    const tests::TemporaryFolder folder;
    Script script;
    script.answers = {{202, "{}", "", "", ""}};
    script.is_open = is_open;
    LedgerCounters ledger;
    const std::shared_ptr<EventBuffer> buffer =
        open_sqlite_buffer(folder.path("events.db"), std::string(32, 'a'), {}, ledger, no_report);
    buffer->adopt(std::string(32, 'b'), {4, {{Fate::kTorn, 4}}, "shop@1"});
    SenderOptions options{dsn()};
    options.max_batch_age = kLong;
    options.run_id = std::string(32, 'a');
    const auto sender =
        Sender::start(options, std::make_unique<ScriptedTransport>(script), buffer, ledger, nullptr, no_report);
    sender->notify(1, 0);
    const Steady::time_point begin = Steady::now();
    CHECK(sender->flush(soon()));
    CHECK(Steady::now() - begin < kLong / 2);
    CHECK(buffer->untold_ledger().has_value() == !is_open);
    sender->stop();
  }
}

TEST_CASE("a batch of large events ends at its bytes") {
  Fixture fixture({.max_batch_bytes = 1'000, .max_batch_age = kLong});
  fixture.add(4, 400);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.script.bodies.size() == 2);
}

TEST_CASE("a batch that is not full goes out when its first event is old enough") {
  Fixture fixture({.max_batch_age = milliseconds(30)});
  fixture.add(1);
  while (fixture.ledger.of(Fate::kDelivered) == 0) std::this_thread::yield();
  CHECK(fixture.script.requests() == 1);
}

TEST_CASE("events that the collector names as rejected are counted as such, the others as delivered") {
  Fixture fixture({}, {{202, R"({"accepted":1,"rejected":[{"index":1,"code":"x","message":"y"}]})", "", "", ""}});
  fixture.add(3);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.ledger.of(Fate::kDelivered) == 2);
  CHECK(fixture.ledger.of(Fate::kRejected) == 1);
}

TEST_CASE("events that were over a limit stay, and go out when it has passed") {
  const std::string partly =
      R"({"accepted":1,"rejected":[{"index":1,"code":"project_rate_limited"},{"index":2,"code":"key_rate_limited"}]})";
  for (const HttpAnswer& limited :
       {HttpAnswer{202, partly, "1", "", "1::project:project_quota"}, HttpAnswer{202, partly, "1", "", ""}}) {
    Fixture fixture({}, {limited, {202, "{}", "", "", ""}});
    fixture.add(3);
    CHECK_FALSE(fixture.sender->flush(Steady::now() + milliseconds(300)));
    CHECK(fixture.ledger.of(Fate::kDelivered) == 1);
    CHECK(fixture.buffer->own_events() == 2);
    while (fixture.ledger.of(Fate::kDelivered) < 3) std::this_thread::yield();
    CHECK(fixture.ledger.of(Fate::kRejected) == 0);
  }
}

TEST_CASE("of a refused batch only the events that are refused alone are dropped") {
  Fixture fixture;
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.judge = [](const std::string& body) -> HttpAnswer {
      const bool is_bad = body.find("\"n\":37,") != std::string::npos || body.find("\"n\":5,") != std::string::npos;
      return {is_bad ? 400 : 202, "{}", "", "", ""};
    };
  }
  fixture.add(60);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.ledger.of(Fate::kDelivered) == 58);
  CHECK(fixture.ledger.of(Fate::kRejected) == 2);
}

TEST_CASE("while the server is not well, events stay, and a flush tries again until it is") {
  Fixture fixture({}, {{500, "", "", "", ""}, {0, "", "", "refused", ""}, {200, "not JSON", "", "", ""}});
  fixture.add(3);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.ledger.of(Fate::kDelivered) == 3);
  CHECK(fixture.script.bodies.size() == 3);
}

TEST_CASE("a flush whose time is up says so, and loses nothing") {
  Fixture fixture({}, {{500, "", "", "", ""}});
  fixture.add(2);
  CHECK_FALSE(fixture.sender->flush(Steady::now() + milliseconds(30)));
  CHECK(fixture.buffer->own_events() == 2);
}

TEST_CASE("what a server asked for is kept, also by a flush") {
  Fixture fixture({}, {{429, "", "3600", "", ""}, {202, "{}", "", "", ""}});
  fixture.add(1);
  CHECK_FALSE(fixture.sender->flush(Steady::now() + milliseconds(500)));
  CHECK(fixture.script.requests() == 1);
  CHECK(fixture.buffer->own_events() == 1);
}

TEST_CASE("a limit on one category holds up that one alone") {
  Fixture fixture;
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.judge = [](const std::string& body) -> HttpAnswer {
      const bool is_session = body.find("trapline_batch") == std::string::npos;
      return is_session ? HttpAnswer{429, "", "60", "", "60:session:key"} : HttpAnswer{202, "{}", "", "", ""};
    };
  }
  fixture.add(1, 10, ItemKind::kEnvelope);
  while (fixture.script.requests() == 0) std::this_thread::yield();
  fixture.add(3);
  while (fixture.ledger.of(Fate::kDelivered) < 3) std::this_thread::yield();
  CHECK_FALSE(fixture.sender->flush(Steady::now() + milliseconds(300)));  // the session still waits
  CHECK(fixture.script.requests() == 2);
}

TEST_CASE("without a flush, too, a refused batch is searched for what is refused") {
  Fixture fixture({.max_batch_age = milliseconds(20)});
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.judge = [](const std::string& body) -> HttpAnswer {
      return {body.find("\"n\":4,") != std::string::npos ? 400 : 202, "{}", "", "", ""};
    };
  }
  fixture.add(10);
  while (fixture.ledger.of(Fate::kDelivered) + fixture.ledger.of(Fate::kRejected) < 10) std::this_thread::yield();
  CHECK(fixture.ledger.of(Fate::kRejected) == 1);
}

TEST_CASE("a refusal that names its events drops those, and sends the others again") {
  Fixture fixture({}, {{400, R"({"rejected":[{"index":0},{"index":2}]})", "", "", ""}, {202, "{}", "", "", ""}});
  fixture.add(5);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.ledger.of(Fate::kRejected) == 2);
  CHECK(fixture.ledger.of(Fate::kDelivered) == 3);
}

TEST_CASE("stopping aborts the request that is under way, and keeps its events") {
  Fixture fixture;
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.is_open = false;
  }
  fixture.add(1);
  CHECK_FALSE(fixture.sender->flush(Steady::now() + milliseconds(20)));
  fixture.sender->stop();
  CHECK(fixture.buffer->own_events() == 1);
}

TEST_CASE("to a Sentry-compatible server each event travels as an envelope, with its modules") {
  Fixture fixture({.speaks_sentry = true});
  const std::int64_t images = fixture.buffer->put_images(R"({"images":[]})");
  fixture.buffer->add("run", 0,
                      {{ItemKind::kEvent, "1fd941f72cb7453e8d29c2990c2422b4", false, R"({"message":"x"})", images}});
  fixture.sender->notify(1, 10);
  CHECK(fixture.sender->flush(soon()));
  CHECK(fixture.script.urls[0] == "http://127.0.0.1:1/api/1/envelope/");
  const std::string& body = fixture.script.bodies[0];
  CHECK(body.find(R"({"event_id":"1fd941f72cb7453e8d29c2990c2422b4")") == 0);
  const std::string event = R"({"message":"x","debug_meta":{"images":[]}})";
  CHECK(body.ends_with("\n{\"type\":\"event\",\"length\":" + std::to_string(event.size()) + "}\n" + event + "\n"));
}

TEST_CASE("a DSN with a secret signs what it sends") {
  SenderOptions options;
  Script script;
  script.answers = {{202, "{}", "", "", ""}};
  LedgerCounters ledger;
  const std::shared_ptr<EventBuffer> buffer = make_memory_buffer(1 << 20, ledger);
  options.dsn =
      *core::parse_dsn("http://5f0e1d2c3b4a59687f6e5d4c3b2a1908:00112233445566778899aabbccddeeff@127.0.0.1:1/1");
  const auto sender = Sender::start(options, std::make_unique<ScriptedTransport>(script), buffer, ledger, nullptr,
                                    [](const std::string&) {});
  buffer->add("run", 0, {{ItemKind::kEvent, "a", false, "{}", 0}});
  sender->notify(1, 2);
  CHECK(sender->flush(soon()));
  sender->stop();
  const std::string& header = script.headers[0].back();
  CHECK(header.find("X-Trapline-Signature: t=") == 0);
  CHECK(header.find(",v1=") == header.size() - 64 - 4);
}
