#pragma once

/// Runs crash_program and says how it ended.

#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/recording_receiver.h"

namespace trapline::tests {

inline std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// How a run of crash_program ended.
struct Run {
  int status = 0;
  double milliseconds = 0;  ///< from the last word to the end; 0: there was none
  pid_t pid = 0;
};

struct Program {
  std::string path = TRAPLINE_CRASH_PROGRAM;
  std::string dsn;
  std::string folder;
  bool has_helper = false;
  bool tracks_session = false;
  bool sends_dump = false;
  bool reports_exit = false;  ///< an end without a word, too
  rlim_t core_bytes = 0;      ///< of a core dump, in the data folder's parent

  /// `sent`: a signal to send once it runs; 0: none.
  [[nodiscard]] Run run(const std::string& way, int sent = 0) const {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    Run run;
    run.pid = fork();
    REQUIRE(run.pid >= 0);
    if (run.pid == 0) {
      dup2(ends[1], STDOUT_FILENO);
      const rlimit limit{core_bytes, core_bytes};
      setrlimit(RLIMIT_CORE, &limit);
      if (core_bytes > 0 && chdir(folder.substr(0, folder.rfind('/')).c_str()) != 0) _exit(127);
      setenv("TEST_DSN", dsn.c_str(), 1);
      setenv("TEST_FOLDER", folder.c_str(), 1);
      if (tracks_session) setenv("TEST_SESSION", "1", 1);
      if (sends_dump) setenv("TEST_MINIDUMP", "1", 1);
      if (reports_exit) setenv("TEST_REPORT_EXIT", "1", 1);
      if (has_helper) setenv("TEST_HELPER", "1", 1);
      setenv("TEST_PLUGIN", TRAPLINE_CRASH_PLUGIN, 1);
      if (way != "deliver" && std::getenv("TEST_DEBUG") == nullptr) dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
      execl(path.c_str(), path.c_str(), way.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    std::int64_t last_word = 0;
    const auto read_word = [&] { return read(ends[0], &last_word, sizeof last_word) == sizeof last_word; };
    if (sent != 0 && read_word()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));  // it sleeps, then; any instant is as good
      last_word = now_ns();
      kill(run.pid, sent);
    }
    REQUIRE(waitpid(run.pid, &run.status, 0) == run.pid);
    const std::int64_t end = now_ns();
    while (read_word()) {
    }
    close(ends[0]);
    if (last_word != 0) run.milliseconds = static_cast<double>(end - last_word) / 1e6;
    return run;
  }
};

/// Polls until there are so many events. How long that took is for the table (TEST_TABLE=1): a busy machine may be
/// late.
inline void wait_for_events(RecordingReceiver& receiver, std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (receiver.events().size() < count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

/// The innermost function. A signal from outside may come in code of the linker's, on the way to a library, which is in
/// none.
inline std::string top_in_app(const nlohmann::json& stacktrace) {
  const nlohmann::json& frames = stacktrace["frames"];
  for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
    if ((*frame)["in_app"] == true && frame->contains("function")) return (*frame)["function"];
  }
  return "none";
}

}  // namespace trapline::tests
