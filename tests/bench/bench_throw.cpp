/// What remembering the stack of a throw costs. Usage: bench_throw FOLDER

#include <cstdlib>
#include <stdexcept>

#include <trapline/trapline.hpp>

#include "tests/bench/report.h"

namespace {

volatile int sink = 0;

[[gnu::noinline]] void throw_at(int depth) {
  if (depth == 0) throw std::runtime_error("x");
  throw_at(depth - 1);
  sink = sink + 1;
}

[[gnu::noinline]] void catch_at(int depth) {
  if (depth > 0) {
    catch_at(depth - 1);
    sink = sink + 1;
    return;
  }
  try {
    throw_at(2);
  } catch (const std::exception&) {
    sink = sink + 1;
  }
}

/// Microseconds of a throw and its catch, 20 calls deep: the best of many rounds.
double measure() {
  constexpr int kRounds = 200;
  constexpr int kThrows = 500;
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < kRounds; ++round) {
    const std::int64_t begin = trapline::bench::nanos();
    for (int count = 0; count < kThrows; ++count) catch_at(20);
    best = std::min(best, trapline::bench::nanos() - begin);
  }
  return static_cast<double>(best) / 1000.0 / kThrows;
}

bool start(const char* folder, bool remembers) {
  trapline::Options options;
  options.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:1/1";
  options.data_folder = folder;
  options.remember_throws = remembers;
  return trapline::init(options).ok();
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return EXIT_FAILURE;
  if (!start(arguments[1], false)) return EXIT_FAILURE;
  const double without = measure();
  trapline::shutdown(std::chrono::milliseconds(0));
  if (!start(arguments[1], true)) return EXIT_FAILURE;
  const double with = measure();
  trapline::shutdown(std::chrono::milliseconds(0));
  trapline::bench::report("a throw and its catch, 23 calls deep", without, "us", 1'000'000);
  trapline::bench::report("... what remembering its stack adds", with - without, "us", 3);
  return EXIT_SUCCESS;
}
