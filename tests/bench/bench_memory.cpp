/// The SDK's own private memory: after init, and after 10,000 events with the server away.
/// Usage: bench_memory FOLDER

#include <cstdlib>
#include <string>
#include <thread>

#include <trapline/trapline.h>

#include "tests/bench/report.h"

int main(int, char** arguments) {
  using trapline::bench::private_memory;
  using trapline::bench::report;
  const auto before = private_memory();
  const auto report_memory = [&](const std::string& when) {
    const auto now = private_memory();
    report("private memory " + when + ", written", now.dirty - before.dirty, "MiB", 2);
    report("private memory " + when + ", with libraries nobody shares",
           now.dirty + now.clean - before.dirty - before.clean, "MiB", 2);
  };
  trapline_options raw = TRAPLINE_OPTIONS_INIT;
  raw.dsn = "http://5f0e1d2c3b4a59687f6e5d4c3b2a1908@127.0.0.1:9/1";
  raw.data_folder = arguments[1];
  raw.max_events_per_second = 0;
  raw.repeat_window_ms = 0;
  if (trapline_init(&raw) != TRAPLINE_OK) return EXIT_FAILURE;
  std::this_thread::sleep_for(std::chrono::seconds(1));
  report_memory("after init");
  const trapline_exception chain[] = {{"shop::OrderError", "no such order", 0}};
  trapline_stats stats = TRAPLINE_STATS_INIT;
  for (int number = 0; number < 10'000; ++number) {
    trapline_capture_exception(chain, 1, nullptr);
    if (number % 100 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    trapline_get_stats(&stats);
  } while (stats.queued + stats.evicted < 10'000 - stats.ring_full);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  report_memory("with 10,000 events waiting");
  report("events kept of 10,000", static_cast<double>(stats.queued), "events", -10'000);
  trapline_shutdown(0);
  return EXIT_SUCCESS;
}
