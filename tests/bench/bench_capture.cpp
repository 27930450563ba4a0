/// What the caller's thread pays, with the server away: 20 breadcrumbs and 10 tags in scope.
/// Usage: bench_capture FOLDER

#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <trapline/trapline.hpp>

#include "tests/bench/report.h"

namespace {

using trapline::bench::nanos;
using trapline::bench::percentile;
using trapline::bench::report;

constexpr int kBlock = 200;  ///< captures before the worker is given time to empty the recorder
constexpr int kBlocks = 50;

trapline_options options(const char* folder) {
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  raw.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:9/1";
  raw.data_folder = folder;
  raw.release = "bench@1";
  raw.max_events_per_second = 0;
  raw.repeat_window_ms = 0;
  return raw;
}

void fill_scope() {
  for (int tag = 0; tag < 10; ++tag) trapline::set_tag("tag" + std::to_string(tag), "value " + std::to_string(tag));
  for (int crumb = 0; crumb < 20; ++crumb) {
    trapline::add_breadcrumb({"default", "cart", "item " + std::to_string(crumb) + " was put into the cart"});
  }
}

void let_the_worker_catch_up() {
  trapline_stats stats = TRAPLINE_STATS_INIT;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    trapline_get_stats(&stats);
  } while (stats.captured > 0 && stats.queued + stats.evicted + stats.ring_full < stats.captured);
}

/// Times one call at a time, in blocks.
template <class Call>
std::vector<std::int64_t> time_calls(int blocks, Call call) {
  std::vector<std::int64_t> samples;
  samples.reserve(static_cast<std::size_t>(blocks * kBlock));
  for (int block = 0; block < blocks; ++block) {
    for (int index = 0; index < kBlock; ++index) {
      const std::int64_t begin = nanos();
      call(block * kBlock + index);
      samples.push_back(nanos() - begin);
    }
    let_the_worker_catch_up();
  }
  return samples;
}

/// A stack of some twenty frames, as a server's request has.
template <class Call>
[[gnu::noinline]] void call_at_depth(int depth, Call&& call) {
  if (depth > 0) {
    call_at_depth(depth - 1, call);
  } else {
    call();
  }
  asm volatile("");  // no tail call
}

void report_percentiles(const std::string& name, std::vector<std::int64_t> samples, double p50, double p99) {
  report(name + " p50", percentile(samples, 0.50), "us", p50);
  if (p99 > 0) report(name + " p99", percentile(samples, 0.99), "us", p99);
}

void bench_threads() {
  constexpr int kThreads = 4;
  std::vector<std::vector<std::int64_t>> samples(kThreads);
  for (int block = 0; block < kBlocks; ++block) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int index = 0; index < kBlock / 2; ++index) {
          const std::int64_t begin = nanos();
          trapline_capture_message(TRAPLINE_LEVEL_ERROR, "from one of four threads", nullptr);
          samples[static_cast<std::size_t>(thread)].push_back(nanos() - begin);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    let_the_worker_catch_up();
  }
  std::vector<std::int64_t> all;
  for (const auto& one : samples) all.insert(all.end(), one.begin(), one.end());
  report("capture_message, 4 threads p50", percentile(all, 0.50), "us", 10);
  report("capture_message, 4 threads p99", percentile(all, 0.99), "us", 50);
}

void bench_storm(const char* folder) {
  trapline_options raw = options(folder);
  raw.repeat_window_ms = 5'000;
  trapline_init(&raw);
  fill_scope();
  constexpr int kStorm = 1'000'000;
  const trapline_exception chain[] = {{"shop::OrderError", "no such order", 0}};
  const std::int64_t begin = nanos();
  for (int number = 0; number < kStorm; ++number) trapline_capture_exception(chain, 1, nullptr);
  report("storm of one exception, a call", static_cast<double>(nanos() - begin) / kStorm / 1000.0, "us", 2);
  trapline_shutdown(0);
}

}  // namespace

int main(int, char** arguments) {
  trapline_options raw = options(arguments[1]);
  const std::int64_t begin = nanos();
  const trapline_status status = trapline_init(&raw);
  const std::int64_t init = nanos() - begin;
  if (status != TRAPLINE_OK) {
    std::fprintf(stderr, "bench_capture: %s\n", trapline_last_error());
    return EXIT_FAILURE;
  }
  report("init", static_cast<double>(init) / 1000.0, "us", 1000);
  fill_scope();
  time_calls(2, [](int) { trapline_capture_message(TRAPLINE_LEVEL_ERROR, "warm-up", nullptr); });

  const std::string text = "order 1234 could not be placed: the warehouse does not answer";
  report_percentiles(
      "capture_message",
      time_calls(kBlocks, [&](int) { trapline_capture_message(TRAPLINE_LEVEL_ERROR, text.c_str(), nullptr); }), 2.5,
      15);
  std::vector<std::int64_t> exceptions;
  call_at_depth(15, [&] {
    const trapline_exception chain[] = {{"shop::OrderError", text.c_str(), 0}};
    exceptions = time_calls(kBlocks, [&](int) { trapline_capture_exception(chain, 1, nullptr); });
  });
  report_percentiles("capture_exception with stack of 20 frames", exceptions, 6, 0);
  trapline_breadcrumb crumb{"default", "cart", "an item was put into the cart", TRAPLINE_LEVEL_INFO, nullptr};
  report_percentiles("add_breadcrumb", time_calls(5, [&](int) { trapline_add_breadcrumb(&crumb); }), 0.3, 0);
  report_percentiles("set_tag", time_calls(5, [&](int) { trapline_set_tag("tag5", "another value"); }), 0.3, 0);
  bench_threads();
  trapline_shutdown(0);
  bench_storm((std::string(arguments[1]) + "/storm").c_str());
  return EXIT_SUCCESS;
}
