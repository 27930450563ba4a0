/// Where events of real programs went, as the collector's ledger tells it: what was dropped, and what is not known yet.

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using trapline::tests::CollectorProcess;
using trapline::tests::TemporaryFolder;

namespace {

using Counts = std::map<std::string, std::int64_t>;

/// A run of ledger_program.
class LedgerProgram {
 public:
  LedgerProgram(const std::string& dsn, const std::string& folder, const std::string& release) {
    std::array<int, 2> commands{};
    std::array<int, 2> answers{};
    REQUIRE(pipe2(commands.data(), O_CLOEXEC) == 0);
    REQUIRE(pipe2(answers.data(), O_CLOEXEC) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      dup2(commands[0], STDIN_FILENO);
      dup2(answers[1], STDOUT_FILENO);
      setenv("TEST_DSN", dsn.c_str(), 1);
      setenv("TEST_FOLDER", folder.c_str(), 1);
      execl(TRAPLINE_LEDGER_PROGRAM, TRAPLINE_LEDGER_PROGRAM, release.c_str(), nullptr);
      _exit(127);
    }
    close(commands[0]);
    close(answers[1]);
    commands_ = commands[1];
    answers_ = answers[0];
  }
  ~LedgerProgram() {
    close(commands_);
    close(answers_);
    if (pid_ > 0) kill_and_wait();
  }
  LedgerProgram(const LedgerProgram&) = delete;
  LedgerProgram& operator=(const LedgerProgram&) = delete;

  /// The call has returned when this does.
  void capture(const std::string& message) {
    send("capture " + message + "\n");
    std::array<char, 5> done{};
    std::size_t got = 0;
    while (got < done.size()) {
      const ssize_t some = read(answers_, done.data() + got, done.size() - got);
      REQUIRE(some > 0);
      got += static_cast<std::size_t>(some);
    }
  }
  int end() {
    send("end\n");
    return wait();
  }
  void kill_and_wait() {
    kill(pid_, SIGKILL);
    wait();
  }

 private:
  void send(const std::string& line) {
    REQUIRE(write(commands_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  int wait() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  pid_t pid_ = -1;
  int commands_ = -1;
  int answers_ = -1;
};

/// "outcome reason" -> count, of a release.
Counts ledger_of(CollectorProcess& collector, const std::string& release) {
  Counts counts;
  const auto ledger = collector.get("/projects/1/ledger");
  for (const auto& item : ledger["items"]) {
    if (item["release"] != release) continue;
    const std::string reason = item["reason"].is_null() ? "" : " " + item["reason"].get<std::string>();
    counts[item["outcome"].get<std::string>() + reason] += item["count"].get<std::int64_t>();
  }
  return counts;
}

std::int64_t sum_of(const Counts& counts) {
  std::int64_t sum = 0;
  for (const auto& [name, count] : counts) sum += count;
  return sum;
}

/// Asks until the ledger says what is expected, or a minute has passed; answers what it says then.
template <class Expected>
Counts wait_for_ledger(CollectorProcess& collector, const std::string& release, Expected expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  Counts counts = ledger_of(collector, release);
  while (!expected(counts) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));  // polling, within the API's limit, until the deadline
    counts = ledger_of(collector, release);
  }
  return counts;
}

}  // namespace

TEST_CASE(
    "the ledger tells drops by reason, a killed program's events as unknown, and after the next start all of them") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("collector"));
  const std::string dsn = collector.log_field("dsn");
  {
    LedgerProgram program(dsn, folder.path("sdk"), "shop@1");
    for (int number = 0; number < 3; ++number) program.capture("sampled");
    for (int number = 0; number < 2; ++number) program.capture("ignored");
    for (int number = 0; number < 10; ++number) program.capture("old " + std::to_string(number));
    // The first goes out, the second is held back until no more of them come, the third is counted into it.
    for (int number = 0; number < 3; ++number) program.capture("same");
    const Counts open = wait_for_ledger(collector, "shop@1", [](const Counts& now) { return sum_of(now) == 18; });
    CHECK(open.at("unknown not_accounted") == 1);
    CHECK(open.at("not_sent sample_rate") == 3);
    CHECK(open.at("not_sent event_processor") == 2);
    CHECK(open.at("counted_only deduplicated") == 1);
    CHECK(open.at("not_sent cache_overflow") > 0);
    CHECK(open.at("stored") + open.at("not_sent cache_overflow") == 11);
    for (int number = 0; number < 2; ++number) program.capture("pending " + std::to_string(number));
    for (int number = 0; number < 4; ++number) program.capture("late " + std::to_string(number));
    program.kill_and_wait();
  }
  CHECK(ledger_of(collector, "shop@1").at("unknown not_accounted") > 0);
  {
    LedgerProgram next(dsn, folder.path("sdk"), "shop@2");
    next.capture("sampled");
    CHECK(next.end() == 0);
  }
  const Counts closed = wait_for_ledger(collector, "shop@1", [](const Counts& now) { return sum_of(now) == 24; });
  CHECK(sum_of(closed) == 24);
  CHECK_FALSE(closed.contains("unknown not_accounted"));
  CHECK(closed.at("not_sent sample_rate") == 3);
  CHECK(closed.at("not_sent event_processor") == 2);
  CHECK(closed.at("not_sent rate_limited") == 4);
  CHECK(closed.at("counted_only deduplicated") == 1);
  CHECK(closed.at("stored") + closed.at("not_sent cache_overflow") == 14);
  // What the program in between has dropped had no batch to go with, and its end did not wait: the next start tells.
  LedgerProgram last(dsn, folder.path("sdk"), "shop@3");
  const Counts between = wait_for_ledger(collector, "shop@2", [](const Counts& now) { return !now.empty(); });
  CHECK(sum_of(between) == 1);
  CHECK(between.contains("not_sent sample_rate"));
  CHECK(last.end() == 0);
}
