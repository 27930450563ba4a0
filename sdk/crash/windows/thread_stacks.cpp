#include "sdk/crash/thread_stacks.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>

#include <windows.h>

#include "sdk/core/windows/system_threads.h"
#include "sdk/core/windows/thread_name.h"
#include "sdk/crash/windows/crash_thread.h"
#include "sdk/crash/windows/guarded.h"
#include "sdk/stack/windows/stack_walk.h"

namespace trapline::sdk {
namespace {

/// What a thread is stopped for: its registers, and so much of its stack. It is walked when the thread runs again, as
/// the tables' lock may be held by it.
struct StackCopy {
  CONTEXT context;
  std::uintptr_t address;  ///< of the first byte
  std::size_t bytes;
  alignas(16) std::array<std::byte, std::size_t{64} << 10U> memory;
};
StackCopy the_copy;
std::atomic<bool> is_collecting{false};

void copy_memory(StackCopy& copy) {
  constexpr std::size_t kPageBytes = 4096;
  copy.address = copy.context.Rsp;
  copy.bytes = 0;
  while (copy.bytes < copy.memory.size()) {
    const std::uintptr_t at = copy.address + copy.bytes;
    const std::size_t part = std::min(kPageBytes - at % kPageBytes, copy.memory.size() - copy.bytes);
    SIZE_T got = 0;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    if (ReadProcessMemory(GetCurrentProcess(), reinterpret_cast<const void*>(at), copy.memory.data() + copy.bytes, part,
                          &got) == 0) {
      return;
    }
    copy.bytes += got;
  }
}

bool copy_stack(HANDLE thread, StackCopy& copy) {
  if (SuspendThread(thread) == static_cast<DWORD>(-1)) return false;
  copy.context = {};
  copy.context.ContextFlags = CONTEXT_FULL;
  const bool is_known = GetThreadContext(thread, &copy.context) != 0;
  if (is_known) copy_memory(copy);
  ResumeThread(thread);
  return is_known && copy.bytes > 0;
}

/// What pointed into the stack points into the copy.
void move_pointers(StackCopy& copy) {
  const auto moved = [&](std::uint64_t word) {
    const bool is_inside = word >= copy.address && word - copy.address < copy.bytes;
    return is_inside ? word - copy.address + reinterpret_cast<std::uintptr_t>(copy.memory.data()) : word;
  };
  for (std::size_t at = 0; at + sizeof(std::uint64_t) <= copy.bytes; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, copy.memory.data() + at, sizeof word);
    word = moved(word);
    std::memcpy(copy.memory.data() + at, &word, sizeof word);
  }
  CONTEXT& context = copy.context;
  for (DWORD64* const value : {&context.Rsp, &context.Rbp, &context.Rbx, &context.Rsi, &context.Rdi, &context.R12,
                               &context.R13, &context.R14, &context.R15}) {
    *value = moved(*value);
  }
}

void walk_copy(StackCopy& copy, CrashThread& thread) {
  const auto begin = reinterpret_cast<std::uintptr_t>(copy.memory.data());
  auto work = [&] {
    StackWalk walk(copy.context, {begin, begin + copy.bytes});
    while (thread.frame_count < kCrashThreadFrames) {
      const auto address = walk.next();
      if (!address) break;
      thread.frames[thread.frame_count++] = *address;
    }
  };
  run_guarded(work);
  if (thread.frame_count > 0) thread.state.store(CrashThread::kWhole, std::memory_order_release);
}

struct Listing {
  std::span<CrashThread> threads;
  std::uint64_t except;
  std::size_t count = 0;
};

void list_thread(std::uint32_t id, void* state) {
  auto& listing = *static_cast<Listing*>(state);
  const bool is_wanted = id != listing.except && id != GetCurrentThreadId() && id != crash_thread_id();
  if (!is_wanted || listing.count == listing.threads.size()) return;
  CrashThread& thread = listing.threads[listing.count++];
  thread.id = id;
  thread.name = {};
  thread.frame_count = 0;
  thread.state.store(CrashThread::kUnused);
}

}  // namespace

std::size_t collect_thread_stacks(std::span<CrashThread> threads, std::uint64_t except, bool is_urgent) {
  if (is_collecting.exchange(true) && !is_urgent) return 0;
  Listing listing{threads, except};
  core::for_each_thread(list_thread, &listing);
  for (CrashThread& thread : threads.first(listing.count)) {
    constexpr DWORD kAccess = THREAD_SUSPEND_RESUME | THREAD_GET_CONTEXT | THREAD_QUERY_LIMITED_INFORMATION;
    HANDLE const opened = OpenThread(kAccess, FALSE, static_cast<DWORD>(thread.id));
    if (opened == nullptr) continue;
    thread.name = core::thread_name(opened);
    const bool is_copied = copy_stack(opened, the_copy);
    CloseHandle(opened);
    if (!is_copied) continue;
    move_pointers(the_copy);
    walk_copy(the_copy, thread);
  }
  is_collecting.store(false);
  return listing.count;
}

void forget_stack_collection() { is_collecting.store(false); }

}  // namespace trapline::sdk
