#pragma once

/// How every benchmark tells its figures: one line of JSON each on standard output, which run.sh collects into a table.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace trapline::bench {

/// `target` is what the figure must not pass (a negative one: what it must reach).
inline void report(const std::string& name, double value, const char* unit, double target) {
  std::string escaped;
  for (const char c : name) {
    if (c == '"' || c == '\\') escaped += '\\';
    escaped += c;
  }
  const bool is_met = target < 0 ? value >= -target : value <= target;
  std::printf(R"({"name":"%s","value":%.3f,"unit":"%s","target":%.3f,"met":%s})"
              "\n",
              escaped.c_str(), value, unit, target, is_met ? "true" : "false");
  std::fflush(stdout);
}

inline std::int64_t nanos() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Microseconds, at a percentile of 0 to 1. Sorts.
inline double percentile(std::vector<std::int64_t>& samples, double fraction) {
  std::sort(samples.begin(), samples.end());
  const auto index = static_cast<std::size_t>(fraction * static_cast<double>(samples.size() - 1));
  return static_cast<double>(samples[index]) / 1000.0;
}

/// Private memory of this process in MiB, as the kernel counts it (proc_pid_smaps(5)): `dirty` is what it wrote,
/// `clean` are mostly the pages of libraries that no other process has mapped at the time.
struct PrivateMemory {
  double dirty = 0;
  double clean = 0;
};
inline PrivateMemory private_memory() {
  std::FILE* const file = std::fopen("/proc/self/smaps_rollup", "r");
  PrivateMemory memory;
  if (file == nullptr) return memory;
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    long kibibytes = 0;
    if (std::sscanf(line, "Private_Clean: %ld kB", &kibibytes) == 1)
      memory.clean = static_cast<double>(kibibytes) / 1024.0;
    if (std::sscanf(line, "Private_Dirty: %ld kB", &kibibytes) == 1)
      memory.dirty = static_cast<double>(kibibytes) / 1024.0;
  }
  std::fclose(file);
  return memory;
}

}  // namespace trapline::bench
