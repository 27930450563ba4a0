#include "sdk/client/life_signs.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <unistd.h>

#include "sdk/client/small_file.h"
#include "sdk/core/checksum.h"

namespace trapline::sdk {
namespace {

std::uint64_t count_entries(const char* folder) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder, error);
  return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(entries), end(entries)));
}

std::uint64_t resident_bytes() {
  // Pages: of the whole program, of which resident.
  std::istringstream numbers(first_line("/proc/self/statm"));
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  numbers >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string boot_id() { return first_line("/proc/sys/kernel/random/boot_id"); }

OomKills count_oom_kills() {
  // cgroup version 2 (the kernel's cgroup-v2.rst, "memory.events"): "0::/system.slice/shop.service".
  const std::string own = first_line("/proc/self/cgroup");
  if (!own.starts_with("0::")) return {};
  const std::string kills = value_in("/sys/fs/cgroup" + own.substr(3) + "/memory.events", "oom_kill ", ' ');
  if (kills.empty()) return {};
  return {static_cast<std::uint64_t>(to_number(kills).value_or(0)), core::fast_checksum(own, 1)};
}

void begin_life_signs(LifeSigns& life) {
  const std::string id = boot_id();
  std::copy_n(id.begin(), std::min(id.size(), life.boot_id.size() - 1), life.boot_id.begin());
  const OomKills kills = count_oom_kills();
  life.oom_kills.store(kills.count);
  life.memory_group.store(kills.group);
}

void update_life_signs(LifeSigns& life, core::UnixMillis now) {
  life.resident_bytes.store(resident_bytes());
  life.open_files.store(count_entries("/proc/self/fd"));
  life.threads.store(count_entries("/proc/self/task"));
  life.last_look.store(now);
}

}  // namespace trapline::sdk
