/// 10,000 distinct events at 5,000 a second to a real collector: how many requests, how much of the processor.
/// Usage: bench_burst FOLDER DSN

#include <cstdlib>
#include <string>
#include <thread>

#include <sys/resource.h>
#include <trapline/trapline.hpp>

#include "tests/bench/report.h"

namespace {

double cpu_micros() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto micros = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return micros(usage.ru_utime) + micros(usage.ru_stime);
}

}  // namespace

int main(int, char** arguments) {
  using namespace std::chrono;
  constexpr int kEvents = 10'000;
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  raw.dsn = arguments[2];
  raw.data_folder = arguments[1];
  raw.max_events_per_second = 0;
  if (trapline_init(&raw) != TRAPLINE_OK) {
    std::fprintf(stderr, "bench_burst: %s\n", trapline_last_error());
    return EXIT_FAILURE;
  }
  for (int tag = 0; tag < 10; ++tag) trapline::set_tag("tag" + std::to_string(tag), "value " + std::to_string(tag));
  for (int crumb = 0; crumb < 20; ++crumb) {
    trapline::add_breadcrumb({"default", "cart", "item " + std::to_string(crumb) + " was put into the cart"});
  }
  const double cpu = cpu_micros();
  const auto start = steady_clock::now();
  for (int number = 0; number < kEvents; ++number) {
    // Five a millisecond: waking up for each would cost as much as capturing it.
    if (number % 5 == 0) std::this_thread::sleep_until(start + microseconds(200) * number);
    const std::string text = "order " + std::to_string(number) + " could not be placed";
    const trapline_exception chain[] = {{"shop::OrderError", text.c_str(), 0}};
    trapline_capture_exception(chain, 1, nullptr);
  }
  const trapline_status status = trapline_flush(30'000);
  const double used = cpu_micros() - cpu;
  trapline_stats stats = TRAPLINE_STATS_INIT;
  trapline_get_stats(&stats);
  trapline_shutdown(0);
  trapline::bench::report("burst: events delivered of 10,000", static_cast<double>(stats.delivered), "events",
                          -kEvents);
  trapline::bench::report("burst: processor time an event, all threads", used / kEvents, "us", 60);
  return status == TRAPLINE_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
