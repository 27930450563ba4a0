#pragma once

/// What the operating system says about this process.

#include <cstdint>

namespace trapline::collector {

struct ProcessStats {
  double cpu_seconds = 0;            ///< user and system time so far
  std::uint64_t resident_bytes = 0;  ///< memory in RAM
  std::uint64_t open_fds = 0;        ///< open file descriptors
  double start_time_unix_seconds = 0;
};

/// Zero for what the system does not tell.
ProcessStats read_process_stats();

}  // namespace trapline::collector
