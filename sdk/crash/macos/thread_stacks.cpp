#include "sdk/crash/thread_stacks.h"

#include <atomic>

#include "sdk/crash/macos/machine.h"
#include "sdk/crash/macos/thread_list.h"

namespace trapline::sdk {
namespace {

std::atomic<bool> is_collecting{false};

/// The thread stands still meanwhile, in its system call, too; it does not notice.
bool write_stack(thread_t thread, CrashThread& entry) {
  if (thread_suspend(thread) != KERN_SUCCESS) return false;
  FrameWalk walk(read_frame_registers(thread));
  std::uint32_t count = 0;
  while (count < kCrashThreadFrames) {
    const auto address = walk.next();
    if (!address) break;
    entry.frames[count++] = *address;
  }
  thread_resume(thread);
  entry.frame_count = count;
  return true;
}

}  // namespace

std::size_t collect_thread_stacks(std::span<CrashThread> threads, std::uint64_t except, bool is_urgent) {
  if (is_collecting.exchange(true) && !is_urgent) return 0;
  const ThreadList list;
  std::size_t count = 0;
  for (const thread_t thread : list.all()) {
    if (count == threads.size()) break;
    const std::uint64_t id = id_of(thread);
    if (thread == list.self() || id == except || id == 0) continue;
    CrashThread& entry = threads[count++];
    entry.id = id;
    entry.frame_count = 0;
    read_name(thread, entry.name);
    entry.state.store(write_stack(thread, entry) ? CrashThread::kWhole : CrashThread::kUnused);
  }
  is_collecting.store(false);
  return count;
}

void forget_stack_collection() { is_collecting.store(false); }

}  // namespace trapline::sdk
