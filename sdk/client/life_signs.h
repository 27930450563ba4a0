#pragma once

#include <cstdint>
#include <string>

#include "sdk/core/clock.h"
#include "sdk/recorder/layout.h"

namespace trapline::sdk {

/// Names this start of the machine; empty where the system does not tell.
std::string boot_id();

/// Processes that the kernel has killed in a cgroup for lack of memory.
struct OomKills {
  std::uint64_t count = 0;
  std::uint64_t group = 0;  ///< tells cgroups apart; 0: that cannot be read
};
/// In this process's.
OomKills count_oom_kills();

/// What does not change while the process runs.
void begin_life_signs(LifeSigns& life);

/// The memory, open files and threads of now. Reads three small files.
void update_life_signs(LifeSigns& life, core::UnixMillis now);

}  // namespace trapline::sdk
