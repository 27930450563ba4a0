/// Programs with the SDK that are killed, against a real collector: what was captured arrives, each once.

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/collector_process.h"
#include "tests/support/temporary_folder.h"

using trapline::tests::CollectorProcess;
using trapline::tests::TemporaryFolder;

namespace {

/// A run of number_program.
class NumberProgram {
 public:
  NumberProgram(const std::string& dsn, const std::string& folder, const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    output_ = ends[0];
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      setenv("TEST_DSN", dsn.c_str(), 1);
      setenv("TEST_FOLDER", folder.c_str(), 1);
      std::vector<char*> argv = {const_cast<char*>(TRAPLINE_NUMBER_PROGRAM)};
      for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(TRAPLINE_NUMBER_PROGRAM, argv.data());
      _exit(127);
    }
    close(ends[1]);
  }
  ~NumberProgram() { close(output_); }
  NumberProgram(const NumberProgram&) = delete;
  NumberProgram& operator=(const NumberProgram&) = delete;

  /// Waits until it has captured something, or ended.
  void wait_for_first() {
    int number = 0;
    if (read(output_, &number, sizeof number) == sizeof number) numbers_.push_back(number);
  }
  void kill_now() { kill(pid_, SIGKILL); }
  /// Waits for its end; its exit status, -1 when it was killed.
  int wait() {
    for (int number = 0; read(output_, &number, sizeof number) == sizeof number;) numbers_.push_back(number);
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// Whose capture calls have returned.
  [[nodiscard]] const std::vector<int>& numbers() const { return numbers_; }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::vector<int> numbers_;
};

/// How often each number is in the collector.
std::map<int, int> stored_numbers(CollectorProcess& collector) {
  std::map<int, int> stored;
  std::string cursor;
  while (true) {
    const auto page = collector.get("/events?limit=100&payload=false" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& event : page["items"]) ++stored[std::stoi(event["value"].get<std::string>().substr(6))];
    if (page["next_cursor"].is_null()) return stored;
    cursor = page["next_cursor"];
  }
}

/// What the runs of a folder have counted.
std::map<std::string, std::int64_t> read_outcomes(const std::string& folder) {
  std::map<std::string, std::int64_t> outcomes;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open((entry.path() / "events.db").c_str(), &database) == SQLITE_OK);
    const auto take = [](void* into, int, char** values, char**) {
      (*static_cast<std::map<std::string, std::int64_t>*>(into))[values[0]] = std::stoll(values[1]);
      return 0;
    };
    CHECK(sqlite3_exec(database, "SELECT name, count FROM outcomes", take, &outcomes, nullptr) == SQLITE_OK);
    sqlite3_close(database);
  }
  return outcomes;
}

/// A last run that captures nothing and delivers what the others left.
void deliver_the_rest(CollectorProcess& collector, const std::string& folder) {
  NumberProgram last(collector.log_field("dsn"), folder, {"0", "0", "0", "60000"});
  CHECK(last.wait() == 0);
  collector.wait_until_digested();
}

/// The collector's ledger accounts for so many events, and none is unknown: at once, or when another start or two have
/// told the counters of those that left no events.
void check_collectors_ledger(CollectorProcess& collector, const std::string& folder, std::int64_t captured) {
  std::int64_t known = 0;
  std::int64_t unknown = 0;
  for (int start = 0; start < 10 && (known != captured || unknown > 0); ++start) {
    if (start > 0) deliver_the_rest(collector, folder);
    const auto totals = collector.get("/projects/1/ledger")["totals"];
    known = totals.value("stored", std::int64_t{0}) + totals.value("not_sent", std::int64_t{0});
    unknown = totals.value("unknown", std::int64_t{0});
  }
  CHECK(known == captured);
  CHECK(unknown == 0);
}

}  // namespace

TEST_CASE("kill -9 at random instants, 200 times: every event whose capture call had returned arrives, each once") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("collector"));
  std::mt19937 random(20261121);
  std::uniform_int_distribution<int> delay_us(0, 25'000);
  std::vector<int> returned;
  constexpr int kRounds = 200;
  for (int round = 0; round < kRounds; ++round) {
    NumberProgram program(collector.log_field("dsn"), folder.path("sdk"),
                          {std::to_string(round * 10'000), "9000", "300", "0"});
    // Some are killed while they start.
    if (round % 4 != 0) program.wait_for_first();
    std::this_thread::sleep_for(std::chrono::microseconds(delay_us(random)));
    program.kill_now();
    CHECK(program.wait() == -1);
    returned.insert(returned.end(), program.numbers().begin(), program.numbers().end());
  }
  deliver_the_rest(collector, folder.path("sdk"));
  const std::map<int, int> stored = stored_numbers(collector);
  int missing = 0;
  int doubled = 0;
  for (const int number : returned) missing += stored.contains(number) ? 0 : 1;
  for (const auto& [number, count] : stored) doubled += count > 1 ? 1 : 0;
  MESSAGE("killed " << kRounds << " times, " << returned.size() << " captures had returned, " << stored.size()
                    << " events are in the collector");
  CHECK(returned.size() > 1'000);
  CHECK(missing == 0);
  CHECK(doubled == 0);
  // The ledger of all runs together, kept beside the events, adds up, too.
  const std::map<std::string, std::int64_t> outcomes = read_outcomes(folder.path("sdk"));
  std::int64_t ended = 0;
  for (const auto& [name, count] : outcomes) ended += name == "captured" ? 0 : count;
  CHECK(outcomes.at("captured") == ended);
  CHECK(outcomes.at("delivered") == static_cast<std::int64_t>(stored.size()));
  check_collectors_ledger(collector, folder.path("sdk"), outcomes.at("captured"));
  // One more per kill may be there: captured, but killed before it could say so.
  CHECK(stored.size() <= returned.size() + kRounds);
}

TEST_CASE("events of a program that ends by _exit right after capturing arrive with the next run") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("collector"));
  NumberProgram program(collector.log_field("dsn"), folder.path("sdk"), {"0", "100", "0", "0"});
  CHECK(program.wait() == 0);
  CHECK(program.numbers().size() == 100);
  deliver_the_rest(collector, folder.path("sdk"));
  CHECK(stored_numbers(collector).size() == 100);
}

TEST_CASE("the count of a repeated error survives a kill") {
  const TemporaryFolder folder;
  CollectorProcess collector(folder.path("collector"));
  NumberProgram program(collector.log_field("dsn"), folder.path("sdk"), {"7", "1000000", "0", "0", "same"});
  program.wait_for_first();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  program.kill_now();
  program.wait();
  deliver_the_rest(collector, folder.path("sdk"));
  const auto issues = collector.get("/issues")["items"];
  REQUIRE(issues.size() == 1);
  const auto count = issues[0]["count"].get<std::size_t>();
  CHECK(count >= program.numbers().size());
  CHECK(count <= program.numbers().size() + 2);
}
