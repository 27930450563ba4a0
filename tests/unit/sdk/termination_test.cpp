/// How the next start tells what became of a process.

#include "sdk/client/termination.h"

#include <atomic>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <trapline/trapline.hpp>

#include "sdk/client/crash_event.h"
#include "sdk/recorder/recorder.h"
#include "tests/support/recording_receiver.h"
#include "tests/support/temporary_folder.h"

using namespace trapline;
using namespace trapline::sdk;
using trapline::tests::RecordingReceiver;
using trapline::tests::TemporaryFolder;

namespace {

/// What a process leaves after `work(recorder)`.
template <class Work>
std::unique_ptr<AbandonedRecorder> left_by(const TemporaryFolder& folder, Work work) {
  {
    auto recorder = Recorder::create({folder.path(""), std::size_t{4} << 20, 100, 1});
    REQUIRE(recorder);
    std::memcpy((*recorder)->life().boot_id.data(), "boot-1", 7);
    (*recorder)->life().memory_group = 7;
    work(**recorder);
  }
  auto found = find_abandoned(folder.path(""));
  REQUIRE(found.size() == 1);
  return std::move(found[0]);
}

Termination termination_of(void (*work)(LifeSigns&), const MachineNow& now) {
  const TemporaryFolder folder;
  const auto left = left_by(folder, [&](Recorder& recorder) { work(recorder.life()); });
  return classify_termination(*left, now);
}

const MachineNow kSame{"boot-1", 0, 7};

}  // namespace

TEST_CASE("an end without a word is told by what changed since, and by what the process had seen") {
  CHECK(termination_of([](LifeSigns&) {}, kSame) == Termination::kKilled);
  CHECK(termination_of([](LifeSigns&) {}, {"boot-2", 0, 7}) == Termination::kReboot);
  CHECK(termination_of([](LifeSigns&) {}, {"boot-1", 1, 7}) == Termination::kOutOfMemory);
  // Another cgroup's count says nothing.
  CHECK(termination_of([](LifeSigns&) {}, {"boot-1", 1, 8}) == Termination::kKilled);
  CHECK(termination_of([](LifeSigns& life) { life.end_signal = SIGTERM; }, kSame) == Termination::kAskedTo);
  const auto hang = [](LifeSigns& life) {
    life.hang_timeout = 1'000;
    life.heartbeat = 10'000;
    life.last_look = 12'000;
  };
  CHECK(termination_of(hang, kSame) == Termination::kHang);
}

TEST_CASE("a crash record of any bytes is read in bounded time, without a crash of our own") {
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 200; ++round) {
    const TemporaryFolder folder;
    const auto left = left_by(folder, [&](Recorder& recorder) {
      char* const area = recorder.memory() + kCrashAt;
      const std::size_t bytes = round % 2 == 0 ? sizeof(CrashBlock) : kEventsAt - kCrashAt;
      for (std::size_t at = 0; at + 8 <= bytes; at += 8) {
        const std::uint64_t word = random() % 3 == 0 ? random() : random() % 300;
        std::memcpy(area + at, &word, sizeof word);
      }
      reinterpret_cast<CrashBlock*>(area)->stages.store(0x7F);
      reinterpret_cast<CrashBlock*>(area)->state.store(CrashState::kWhole);
    });
    const auto crash = read_crash(*left);
    REQUIRE(crash != nullptr);
    StackReader stacks(modules_at_end(*left));
    name_crash(*crash, stacks);
    CHECK(crash->decoded.event.frames.size() <= kCrashFrames + kCrashOuterFrames);
  }
}

TEST_CASE("threads that start the SDK at the same time leave it started, with its handlers") {
  for (int round = 0; round < 20; ++round) {
    const TemporaryFolder folder;
    const RecordingReceiver receiver;
    std::atomic<int> started{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
      threads.emplace_back([&] {
        Options options;
        options.dsn = receiver.dsn();
        options.data_folder = folder.path("");
        if (init(options).ok()) ++started;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(started == 1);
    struct sigaction action {};
    sigaction(SIGSEGV, nullptr, &action);
    CHECK((action.sa_flags & SA_SIGINFO) != 0);
    trapline_shutdown(0);
  }
}
