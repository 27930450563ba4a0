/// How fast the scrubber is, on one core. Usage: bench_scrub EVENT_FILE...

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sdk/core/scrubber.h"
#include "tests/bench/report.h"

int main(int count, char** arguments) {
  using trapline::bench::nanos;
  const auto scrubber = trapline::core::Scrubber::create();
  std::vector<std::string> events;
  std::size_t bytes = 0;
  for (int index = 1; index < count; ++index) {
    std::ifstream file(arguments[index], std::ios::binary);
    for (std::string line; std::getline(file, line);) {
      // Envelopes hold headers, too; only what is an event's size counts.
      if (line.size() < 1'000 || !scrubber->scrub_event(line)) continue;
      bytes += line.size();
      events.push_back(std::move(line));
    }
  }
  if (events.empty()) return EXIT_FAILURE;
  std::int64_t best = INT64_MAX;
  for (int round = 0; round < 20; ++round) {
    const std::int64_t begin = nanos();
    for (const std::string& event : events) {
      if (!scrubber->scrub_event(event)) return EXIT_FAILURE;
    }
    best = std::min(best, nanos() - begin);
  }
  const double megabytes_per_second = static_cast<double>(bytes) * 1000.0 / static_cast<double>(best);
  trapline::bench::report("scrubber, " + std::to_string(events.size()) + " recorded events", megabytes_per_second,
                          "MB/s", -300);
  return EXIT_SUCCESS;
}
