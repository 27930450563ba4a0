/// What linking the library costs a program before its main(). Usage: bench_startup EMPTY_PROGRAM LINKED_PROGRAM

#include <cstdlib>
#include <string>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>

#include "tests/bench/report.h"

extern char** environ;

namespace {

std::int64_t run_once(const char* program) {
  std::string name = program;
  std::vector<char*> arguments = {name.data(), nullptr};
  pid_t child = 0;
  const std::int64_t begin = trapline::bench::nanos();
  if (posix_spawn(&child, program, nullptr, nullptr, arguments.data(), environ) != 0) std::exit(EXIT_FAILURE);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) std::exit(EXIT_FAILURE);
  return trapline::bench::nanos() - begin;
}

}  // namespace

int main(int, char** arguments) {
  constexpr int kRuns = 300;
  std::vector<std::int64_t> empty;
  std::vector<std::int64_t> linked;
  for (int run = 0; run < kRuns; ++run) {  // in turns, so that noise hits both
    empty.push_back(run_once(arguments[1]));
    linked.push_back(run_once(arguments[2]));
  }
  using trapline::bench::percentile;
  const double base = percentile(empty, 0.5);
  trapline::bench::report("start of an empty program", base / 1000.0, "ms", 1000);
  trapline::bench::report("start with libtrapline linked, on top", (percentile(linked, 0.5) - base) / 1000.0, "ms", 1);
  return EXIT_SUCCESS;
}
