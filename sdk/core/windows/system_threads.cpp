#include "sdk/core/windows/system_threads.h"

#include <array>
#include <atomic>
#include <cstddef>

#include <windows.h>
#include <winternl.h>

namespace trapline::core {
namespace {

std::atomic<bool> is_in_use{false};

/// All processes and their threads, into memory that is only there meanwhile.
char* list_system(std::size_t& room) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  for (room = std::size_t{512} << 10; room <= kMost; room *= 2) {
    void* const memory = VirtualAlloc(nullptr, room, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
    if (memory == nullptr) return nullptr;
    ULONG used = 0;
    if (NtQuerySystemInformation(SystemProcessInformation, memory, static_cast<ULONG>(room), &used) >= 0)
      return static_cast<char*>(memory);
    VirtualFree(memory, 0, MEM_RELEASE);
  }
  return nullptr;
}

}  // namespace

void for_each_thread(void (*take)(std::uint32_t id, void* state), void* state) {
  if (is_in_use.exchange(true)) return;
  std::size_t room = 0;
  char* const list = list_system(room);
  const auto own = reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(GetCurrentProcessId()));
  for (const char* at = list; at != nullptr;) {
    const auto& process = *reinterpret_cast<const SYSTEM_PROCESS_INFORMATION*>(at);
    if (process.UniqueProcessId == own) {
      const auto* const threads = reinterpret_cast<const SYSTEM_THREAD_INFORMATION*>(&process + 1);
      for (ULONG index = 0; index < process.NumberOfThreads; ++index) {
        take(static_cast<std::uint32_t>(reinterpret_cast<ULONG_PTR>(threads[index].ClientId.UniqueThread)), state);
      }
      break;
    }
    at = process.NextEntryOffset != 0 ? at + process.NextEntryOffset : nullptr;
  }
  if (list != nullptr) VirtualFree(list, 0, MEM_RELEASE);
  is_in_use.store(false);
}

}  // namespace trapline::core
