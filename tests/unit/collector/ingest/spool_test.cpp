#include "collector/ingest/spool.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temporary_folder.h"

using namespace trapline::collector;

namespace {

SpooledEvent event(int number) {
  SpooledEvent event;
  event.project_id = 1;
  event.event_id = std::string(26, 'c') + std::to_string(100'000 + number);
  event.received_at = 7;
  event.payload = R"({"n":)" + std::to_string(number) + "}";
  return event;
}

std::unique_ptr<Spool> open_spool(const std::string& path) {
  auto spool = Spool::open(path);
  REQUIRE(spool);
  return std::move(*spool);
}

}  // namespace

TEST_CASE("events come out in the order they went in, again and again until they are released") {
  trapline::tests::TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s.db"));
  REQUIRE(spool->append({event(1), event(2), event(3)}));
  const auto first = spool->wait_for_events(2);
  REQUIRE(first);
  REQUIRE(first->size() == 2);
  CHECK((*first)[0].payload == event(1).payload);
  CHECK((*first)[0].received_at == 7);
  CHECK(spool->wait_for_events(2)->at(0).event_id == event(1).event_id);
  REQUIRE(spool->release_through((*first)[1].sequence));
  CHECK(spool->wait_for_events(2)->at(0).event_id == event(3).event_id);
  CHECK(spool->size() == 1);
}

TEST_CASE("an event that waits already is a duplicate") {
  trapline::tests::TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s.db"));
  const auto appended = spool->append({event(1), event(1)});
  CHECK(appended->stored == 1);
  CHECK(appended->duplicates == 1);
  CHECK(spool->append({event(1)})->duplicates == 1);
}

TEST_CASE("what was appended before a kill is there after it") {
  trapline::tests::TemporaryFolder folder;
  const std::string path = folder.path("s.db");
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto spool = Spool::open(path);
    if (!spool || !(*spool)->append({event(1), event(2)})) _exit(1);
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(open_spool(path)->size() == 2);
}

TEST_CASE("sequence numbers are never given twice, also when the spool has been empty") {
  trapline::tests::TemporaryFolder folder;
  const std::string path = folder.path("s.db");
  std::int64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    const auto spool = open_spool(path);
    REQUIRE(spool->append({event(round)}));
    const auto events = spool->wait_for_events(10);
    REQUIRE(events->size() == 1);
    CHECK(events->at(0).sequence > last);
    last = events->at(0).sequence;
    REQUIRE(spool->release_through(last));
  }
}

TEST_CASE("many threads append at once and nothing is lost") {
  trapline::tests::TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s.db"));
  std::atomic<std::size_t> stored{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 16; ++thread) {
    threads.emplace_back([&, thread] {
      for (int number = 0; number < 10; ++number) {
        const auto appended = spool->append({event(thread * 100 + number)});
        if (appended) stored += appended->stored;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(stored == 160);
  CHECK(spool->size() == 160);
}

TEST_CASE("stopping wakes whoever waits for events") {
  trapline::tests::TemporaryFolder folder;
  const auto spool = open_spool(folder.path("s.db"));
  std::thread waiter([&] { CHECK(spool->wait_for_events(1)->empty()); });
  spool->stop();
  waiter.join();
}

TEST_CASE("a file that is no spool is refused with its path") {
  trapline::tests::TemporaryFolder folder;
  const std::string path = folder.path("s.db");
  std::ofstream(path) << std::string(5000, 'x');
  const auto spool = Spool::open(path);
  REQUIRE_FALSE(spool);
  CHECK(spool.error().message.find(path) != std::string::npos);
}
