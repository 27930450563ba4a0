/// Processes that die in many ways, and what their recorders say of it afterwards. Each is this program, started anew
/// with the way it is to die; nothing is sent anywhere. For macOS, where it is the proof of sdk/crash/macos/.

#define DOCTEST_CONFIG_IMPLEMENT
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <trapline/trapline.hpp>
#include <unistd.h>

#include "sdk/client/crash_event.h"
#include "sdk/recorder/recorder.h"
#include "tests/support/temporary_folder.h"

extern char** environ;

using namespace trapline;
using namespace trapline::sdk;
using trapline::tests::TemporaryFolder;

// What the stacks are to show. Something happens after each call, so that none becomes a jump.
namespace app {

std::atomic<int> after{0};
volatile std::uintptr_t nowhere = 0;

[[gnu::noinline]] void write_to_null() {
  *reinterpret_cast<volatile int*>(nowhere) = 1;
  ++after;
}

[[gnu::noinline]] int overflow(int depth) {
  volatile char room[512] = {};
  room[0] = static_cast<char>(depth);
  const int deeper = overflow(depth + 1);
  return deeper + room[0];
}

[[gnu::noinline]] void abort_it() {
  std::abort();
  ++after;
}

[[gnu::noinline]] void throw_it() {
  throw std::runtime_error("nobody catches this");
  ++after;
}

[[gnu::noinline]] void trap() {
  __builtin_trap();
  ++after;
}

[[gnu::noinline]] void raise_it() {
  raise(SIGSEGV);
  ++after;
}

[[gnu::noinline]] void call_nowhere() {
  reinterpret_cast<void (*)()>(nowhere + 16)();
  ++after;
}

}  // namespace app

namespace {

void run_in_thread(void (*function)()) {
  std::thread([function] { function(); }).join();
}

void do_nothing_about_it(int /*signal*/) {}

void mend_by_exit(int /*signal*/) { _exit(42); }

struct Way {
  const char* name;
  void (*die)();
  int signal;            ///< that the process ends by
  const char* function;  ///< that the stack shows
};

const Way kWays[] = {
    {"null", app::write_to_null, SIGSEGV, "app::write_to_null()"},
    {"null-in-thread", [] { run_in_thread(app::write_to_null); }, SIGSEGV, "app::write_to_null()"},
    {"overflow", [] { app::overflow(1); }, SIGSEGV, "app::overflow(int)"},
    {"overflow-in-thread", [] { run_in_thread([] { app::overflow(1); }); }, SIGSEGV, "app::overflow(int)"},
    {"abort", app::abort_it, SIGABRT, "app::abort_it()"},
    {"uncaught", app::throw_it, SIGABRT, ""},
    {"trap", app::trap, 0, "app::trap()"},  // SIGTRAP or SIGILL, as the processor has it
    {"raise", app::raise_it, SIGSEGV, "app::raise_it()"},
    {"call-nowhere", app::call_nowhere, SIGSEGV, "app::call_nowhere()"},
    {"all-at-once",
     [] {
       std::vector<std::thread> threads;
       for (int count = 0; count < 8; ++count) threads.emplace_back(app::write_to_null);
       for (std::thread& thread : threads) thread.join();
     },
     SIGSEGV, "app::write_to_null()"},
};

Options options_for(const char* folder) {
  Options options;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:9/1";
  options.data_folder = folder;
  return options;
}

/// What a process that is to die does.
int die(const std::string& name, const char* folder) {
  const bool has_earlier_handler = name == "earlier-handler";
  if (has_earlier_handler) signal(SIGSEGV, mend_by_exit);
  if (name == "mended") signal(SIGSEGV, do_nothing_about_it);
  if (!init(options_for(folder)).ok()) return 3;
  set_tag("way", name);
  if (has_earlier_handler) app::write_to_null();
  if (name == "mended") {
    raise(SIGSEGV);
    _exit(0);  // without a word, so that the recorder stays
  }
  for (const Way& way : kWays) {
    if (name == way.name) way.die();
  }
  return 4;  // it was to die
}

std::string own_program;

int status_of(const std::string& way, const TemporaryFolder& folder) {
  std::string mode = "--die";
  std::string name = way;
  std::string path = folder.path("");
  std::vector<char*> arguments = {own_program.data(), mode.data(), name.data(), path.data(), nullptr};
  pid_t child = -1;
  REQUIRE(posix_spawn(&child, own_program.c_str(), nullptr, nullptr, arguments.data(), environ) == 0);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

std::vector<std::unique_ptr<AbandonedRecorder>> recorders_in(const TemporaryFolder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.path(""))) {
    if (entry.is_directory()) return find_abandoned(entry.path().string());
  }
  return {};
}

std::unique_ptr<CrashEvent> crash_in(const AbandonedRecorder& recorder, StackReader& stacks) {
  auto crash = read_crash(recorder);
  if (crash) name_crash(*crash, stacks);
  return crash;
}

bool shows(const CrashEvent& crash, std::string_view function) {
  for (const core::Frame& frame : crash.decoded.event.frames) {
    if (frame.function == function) return true;
  }
  return function.empty();
}

}  // namespace

TEST_CASE("every way to die is in the recorder once, with its signal, its function, its threads and its tags") {
  for (const Way& way : kWays) {
    CAPTURE(way.name);
    const TemporaryFolder folder;
    const int status = status_of(way.name, folder);
    REQUIRE(WIFSIGNALED(status));
    if (way.signal != 0) CHECK(WTERMSIG(status) == way.signal);
    const auto recorders = recorders_in(folder);
    REQUIRE(recorders.size() == 1);
    StackReader stacks(modules_at_end(*recorders[0]));
    const auto crash = crash_in(*recorders[0], stacks);
    REQUIRE(crash);
    const core::Event& event = crash->decoded.event;
    CHECK(event.signal.number == WTERMSIG(status));
    CHECK(shows(*crash, way.function));
    CHECK(!event.threads.empty());
    REQUIRE(!event.tags.empty());
    CHECK(event.tags[0].second == way.name);
  }
}

TEST_CASE("a stack that is full is called so, in the main thread and in others") {
  for (const char* way : {"overflow", "overflow-in-thread"}) {
    CAPTURE(way);
    const TemporaryFolder folder;
    status_of(way, folder);
    const auto recorders = recorders_in(folder);
    REQUIRE(recorders.size() == 1);
    StackReader stacks(modules_at_end(*recorders[0]));
    const auto crash = crash_in(*recorders[0], stacks);
    REQUIRE(crash);
    CHECK(crash->decoded.event.exceptions[0].type == "Stack overflow");
    CHECK(crash->depth > 1'000);
  }
}

TEST_CASE("an exception that nobody catches is named with what it says") {
  const TemporaryFolder folder;
  status_of("uncaught", folder);
  const auto recorders = recorders_in(folder);
  REQUIRE(recorders.size() == 1);
  StackReader stacks(modules_at_end(*recorders[0]));
  const auto crash = crash_in(*recorders[0], stacks);
  REQUIRE(crash);
  CHECK(crash->decoded.event.exceptions[0].type == "std::runtime_error");
  CHECK(crash->decoded.event.exceptions[0].value == "nobody catches this");
}

TEST_CASE("the handler that was there before has the signal afterwards, and the crash is reported") {
  const TemporaryFolder folder;
  const int status = status_of("earlier-handler", folder);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 42);
  const auto recorders = recorders_in(folder);
  REQUIRE(recorders.size() == 1);
  CHECK(has_crash(*recorders[0]));
}

TEST_CASE("what the app's own handler has mended is no crash") {
  const TemporaryFolder folder;
  const int status = status_of("mended", folder);
  CHECK(WIFEXITED(status));
  const auto recorders = recorders_in(folder);
  REQUIRE(recorders.size() == 1);
  CHECK_FALSE(has_crash(*recorders[0]));
}

int main(int count, char** arguments) {
  own_program = arguments[0];
  if (count == 4 && std::strcmp(arguments[1], "--die") == 0) return die(arguments[2], arguments[3]);
  doctest::Context context(count, arguments);
  return context.run();
}
