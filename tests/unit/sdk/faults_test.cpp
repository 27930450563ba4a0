/// The whole SDK against servers, disks and folders that fail. After each fault every event is accounted for.

#include <atomic>
#include <chrono>
#include <csignal>
#include <set>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <trapline/trapline.hpp>
#include <unistd.h>

#include "tests/support/faulty_server.h"
#include "tests/support/forking.h"
#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

using std::chrono::milliseconds;
using trapline::tests::FaultyServer;
using trapline::tests::RecordingReceiver;
using trapline::tests::TemporaryFolder;

namespace {

constexpr std::chrono::seconds kLong{30};

trapline::Options options_for(const std::string& dsn, const std::string& folder) {
  trapline::Options options;
  options.dsn = dsn;
  options.data_folder = folder;
  options.capture_uncaught = false;
  options.max_events_per_second = 0;
  return options;
}

void start(const trapline::Options& options) {
  const trapline::Status status = trapline::init(options);
  REQUIRE_MESSAGE(status.ok(), status.message());
}

void capture(int count) {
  for (int number = 0; number < count; ++number) {
    REQUIRE_FALSE(trapline::capture_message("event " + std::to_string(number)).empty());
  }
}

trapline_stats stats() {
  trapline_stats stats = TRAPLINE_STATS_INIT;
  REQUIRE(trapline_get_stats(&stats) == TRAPLINE_OK);
  const std::uint64_t ended = stats.delivered + stats.sampled + stats.filtered + stats.deduplicated +
                              stats.rate_limited + stats.ring_full + stats.too_large + stats.hook_dropped +
                              stats.evicted + stats.buffer_failed + stats.rejected + stats.no_consent + stats.torn;
  CHECK(stats.captured == ended + stats.queued);
  return stats;
}

}  // namespace

TEST_CASE("whatever the server does wrong, events are kept and arrive when it is well again") {
  using Fault = FaultyServer::Fault;
  for (const Fault fault :
       {Fault::kError500, Fault::kTooMany, Fault::kHang, Fault::kCutAnswer, Fault::kGarbage, Fault::kCloseAtOnce}) {
    CAPTURE(static_cast<int>(fault));
    const TemporaryFolder folder;
    FaultyServer server;
    server.set(fault);
    start(options_for(server.dsn(), folder.path("")));
    capture(20);
    CHECK(trapline::flush(milliseconds(400)).code() == TRAPLINE_TIMEOUT);
    CHECK(stats().queued == 20);
    server.set(Fault::kNone);
    CHECK(trapline::flush(kLong).ok());
    CHECK(stats().delivered == 20);
    CHECK(trapline::shutdown(kLong).ok());
  }
}

TEST_CASE("with the server away for a whole run, the next run delivers everything, once") {
  const TemporaryFolder folder;
  const int port = RecordingReceiver::free_port();
  const std::string dsn = RecordingReceiver::dsn_at(port);
  start(options_for(dsn, folder.path("")));
  capture(50);
  CHECK(trapline::shutdown(milliseconds(100)).code() == TRAPLINE_TIMEOUT);

  RecordingReceiver receiver(port);
  start(options_for(dsn, folder.path("")));
  trapline::capture_message("of the second run");
  CHECK(trapline::flush(kLong).ok());
  CHECK(stats().delivered == 1);  // its own; the others were counted by the run that captured them
  std::set<std::string> messages;
  for (const auto& event : receiver.events()) CHECK(messages.insert(event["message"]).second);
  CHECK(messages.size() == 51);
  CHECK(trapline::shutdown(kLong).ok());
}

TEST_CASE("a process that forks while its buffer is open, and its child that is killed, lose nothing to each other" *
          doctest::skip(trapline::tests::kCannotFork)) {
  const TemporaryFolder folder;
  const int port = RecordingReceiver::free_port();
  const std::string dsn = RecordingReceiver::dsn_at(port);
  start(options_for(dsn, folder.path("")));
  capture(10);
  CHECK(trapline::flush(milliseconds(50)).code() == TRAPLINE_TIMEOUT);  // they are in the buffer
  const pid_t child = fork();
  if (child == 0) {
    for (int number = 0; number < 40; ++number) trapline::capture_message("child " + std::to_string(number));
    trapline::flush(milliseconds(300));
    kill(getpid(), SIGKILL);
  }
  trapline::capture_message("of the parent");
  CHECK(trapline::shutdown(milliseconds(50)).code() == TRAPLINE_TIMEOUT);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);

  RecordingReceiver receiver(port);
  start(options_for(dsn, folder.path("")));
  CHECK(trapline::flush(kLong).ok());
  std::set<std::string> messages;
  for (const auto& event : receiver.events()) CHECK(messages.insert(event["message"]).second);
  CHECK(messages.size() == 51);
  CHECK(trapline::shutdown(kLong).ok());
}

TEST_CASE("children that a busy process forks have its breadcrumbs, and live" *
          doctest::skip(trapline::tests::kCannotFork)) {
  const TemporaryFolder folder;
  start(options_for("http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:9/1", folder.path("")));
  std::atomic<bool> is_done{false};
  std::thread busy([&] {
    while (!is_done) trapline::add_breadcrumb({"default", "test", "a breadcrumb of the busy thread"});
  });
  for (int round = 0; round < 30; ++round) {
    const pid_t child = fork();
    if (child == 0) _exit(trapline::capture_message("from a child").empty() ? 1 : 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
  is_done = true;
  busy.join();
  trapline::shutdown(milliseconds(0));
}

TEST_CASE("an idle process shuts down at once") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  for (const int idle_ms : {0, 150, 195, 200, 205, 210, 220, 260}) {
    start(options_for(receiver.dsn(), folder.path("")));
    std::this_thread::sleep_for(milliseconds(idle_ms));  // the worker falls asleep meanwhile
    const auto begin = std::chrono::steady_clock::now();
    CHECK(trapline::shutdown(std::chrono::seconds(20)).ok());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
  }
}

TEST_CASE("a folder that cannot be written costs persistence, not events") {
  RecordingReceiver receiver;
  start(options_for(receiver.dsn(), "/proc/nowhere"));
  capture(10);
  CHECK(trapline::flush(kLong).ok());
  CHECK(stats().delivered == 10);
  CHECK(receiver.events().size() == 10);
  CHECK(trapline::shutdown(kLong).ok());
}

TEST_CASE("where files cannot grow, the program lives on and its events arrive" *
          doctest::skip(trapline::tests::kCannotFork)) {
  RecordingReceiver receiver;
  const TemporaryFolder folder;
  const std::string dsn = receiver.dsn();
  const pid_t child = fork();
  if (child == 0) {
    const rlimit limit{40'000, 40'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const bool is_started = trapline::init(options_for(dsn, folder.path(""))).ok();
    for (int number = 0; number < 30; ++number) trapline::capture_message("event " + std::to_string(number));
    _exit(is_started && trapline::flush(kLong).ok() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(receiver.events().size() == 30);
}

TEST_CASE("a storm of one error is counted exactly, and another error arrives meanwhile") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  trapline::Options options = options_for(receiver.dsn(), folder.path(""));
  options.max_events_per_second = 100;  // the limit must not hit the other error
  start(options);
  constexpr int kStorm = 100'000;
  const trapline_exception storm[] = {{"StormError", "again", 0}};
  const auto begin = std::chrono::steady_clock::now();
  for (int number = 0; number < kStorm; ++number) {
    trapline_capture_exception(storm, 1, nullptr);
    if (number == kStorm / 2) trapline::capture_message("another error");
  }
  const auto has_other = [&] {
    for (const auto& event : receiver.events()) {
      if (event.value("message", "") == "another error") return true;
    }
    return false;
  };
  while (!has_other()) {
    REQUIRE(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    std::this_thread::sleep_for(milliseconds(5));
  }
  CHECK(trapline::flush(kLong).ok());
  const trapline_stats after = stats();
  CHECK(after.captured == kStorm + 1);
  CHECK(after.rate_limited == 0);
  std::uint64_t counted = 0;
  for (const auto& event : receiver.events()) {
    if (event.contains("exception")) counted += event.value("repeat_count", 1U);
  }
  CHECK(counted == kStorm);
  CHECK(receiver.events().size() < 60);
  CHECK(trapline::shutdown(kLong).ok());
}

TEST_CASE("sampling, ignore lists, the rate limit and consent are each counted") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  trapline::Options options = options_for(receiver.dsn(), folder.path(""));
  options.ignore = {"*ignored*"};
  options.max_events_per_second = 0.001;
  options.max_burst = 3;
  options.sampler = [](const trapline::Sampling& asked) { return std::string(asked.message) == "sampled" ? 0.0 : 1.0; };
  options.require_consent = true;
  start(options);
  CHECK(trapline::capture_message("before consent").empty());
  trapline::set_consent(true);
  CHECK(trapline::capture_message("this is ignored").empty());
  CHECK(trapline::capture_message("sampled").empty());
  for (int number = 0; number < 5; ++number) trapline::capture_message("event " + std::to_string(number));
  CHECK(trapline::flush(kLong).ok());
  const trapline_stats after = stats();
  CHECK(after.no_consent == 1);
  CHECK(after.filtered == 1);
  CHECK(after.sampled == 1);
  CHECK(after.rate_limited == 2);
  CHECK(after.delivered == 3);
  CHECK(trapline::shutdown(kLong).ok());
}

TEST_CASE(
    "an event larger than the recorder takes is dropped and counted, and one with too many breadcrumbs goes without") {
  const TemporaryFolder folder;
  RecordingReceiver receiver;
  trapline::Options options = options_for(receiver.dsn(), folder.path(""));
  options.recorder_bytes = 1;  // the smallest there is
  start(options);
  const std::string crumb(8'000, 'x');
  for (int number = 0; number < 14; ++number) trapline::add_breadcrumb({"default", "test", crumb});
  CHECK_FALSE(trapline::capture_message("with large breadcrumbs").empty());
  trapline_event event = TRAPLINE_EVENT_INIT;
  event.message = "with a large attachment";
  const std::string bytes(500'000, 'y');
  const trapline_attachment attachment{"large.bin", nullptr, bytes.data(), bytes.size()};
  event.attachments = &attachment;
  event.attachment_count = 1;
  CHECK(trapline_capture_event(&event, nullptr) == TRAPLINE_DROPPED);
  CHECK(trapline::flush(kLong).ok());
  CHECK(stats().too_large == 1);
  REQUIRE(receiver.events().size() == 1);
  CHECK_FALSE(receiver.events()[0].contains("breadcrumbs"));
  CHECK(trapline::shutdown(kLong).ok());
}
