#include "sdk/client/life_signs.h"

#include <algorithm>

#include <windows.h>
#include <psapi.h>

#include "sdk/core/windows/system_threads.h"

namespace trapline::sdk {

std::string boot_id() {
  // KUSER_SHARED_DATA, which every process has at this place; counts the system's starts. wine has 0 there.
  constexpr std::uintptr_t kBootId = 0x7FFE0000 + 0x2C4;
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const ULONG number = *reinterpret_cast<const volatile ULONG*>(kBootId);
  return number != 0 ? "boot " + std::to_string(number) : std::string();
}

/// The system ends nobody for lack of memory: allocations fail.
OomKills count_oom_kills() { return {}; }

void begin_life_signs(LifeSigns& life) {
  const std::string id = boot_id();
  std::copy_n(id.begin(), std::min(id.size(), life.boot_id.size() - 1), life.boot_id.begin());
}

void update_life_signs(LifeSigns& life, core::UnixMillis now) {
  PROCESS_MEMORY_COUNTERS memory{};
  if (K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory) != 0)
    life.resident_bytes.store(memory.WorkingSetSize);
  DWORD handles = 0;
  if (GetProcessHandleCount(GetCurrentProcess(), &handles) != 0) life.open_files.store(handles);
  std::uint64_t threads = 0;
  core::for_each_thread([](std::uint32_t, void* count) { ++*static_cast<std::uint64_t*>(count); }, &threads);
  life.threads.store(threads);
  life.last_look.store(now);
}

}  // namespace trapline::sdk
