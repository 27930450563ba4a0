#include "sdk/crash/macos/crash_writer.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>

#include <unistd.h>

#include "sdk/crash/crash_copies.h"
#include "sdk/crash/crash_note.h"
#include "sdk/crash/macos/crash_site.h"
#include "sdk/crash/macos/thread_list.h"
#include "sdk/crash/record_stack.h"
#include "sdk/crash/thread_stacks.h"
#include "sdk/stack/macos/safe_memory.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kRedZone = 128;

/// The stage that is next, for a handler that is called again because it crashed in one.
std::atomic<std::uint32_t> next_stage{0};

core::UnixMillis now_millis() {
  constexpr std::uint64_t kNanosPerMilli = 1'000'000;
  return static_cast<core::UnixMillis>(clock_gettime_nsec_np(CLOCK_REALTIME) / kNanosPerMilli);
}

void write_signal(const CrashArea& area, const Crash& crash) {
  CrashBlock& block = area.block();
  block.timestamp = now_millis();
  block.thread_id = crash.thread_id;
  block.pid = static_cast<std::uint32_t>(getpid());
  read_name(crash.thread, block.thread_name);
  block.signal = crash.signal;
  block.code = crash.code;
  block.sender_pid = crash.sender_pid;
  block.sender_uid = crash.sender_uid;
  block.address = crash.address;
  block.access = static_cast<std::uint64_t>(crash.machine.access);
  block.registers = crash.machine.registers;
  block.register_count = static_cast<std::uint32_t>(crash.machine.register_count);
}

/// The stack that a stack pointer belongs to, also when it has left that through its lower end into the guard below.
/// pthread_get_stackaddr_np() is not asked: of another thread it takes a lock that a stopped one may hold.
MemoryRegion find_stack(std::uintptr_t sp) {
  MemoryRegion region = find_region(sp);
  constexpr int kMostGuards = 4;
  for (int step = 0; step < kMostGuards && region.end != 0 && !region.is_accessible; ++step) {
    region = find_region(region.end);
  }
  return region.is_accessible ? region : MemoryRegion{};
}

/// What was touched lies where the stack pointer is, and that has come to the stack's end: in the guard below it.
bool is_stack_overflow(const Crash& crash, const MemoryRegion& stack) {
  constexpr std::uintptr_t kNear = 1U << 17U;   // a frame's end may be touched before its beginning
  constexpr std::uintptr_t kGuard = 1U << 20U;  // what may lie between the stack pointer and the stack
  const bool is_fault = (crash.signal == SIGSEGV || crash.signal == SIGBUS) && !crash.was_sent;
  if (!is_fault || stack.begin == 0) return false;
  const std::uintptr_t sp = crash.machine.frame.sp;
  const std::uintptr_t touched = crash.address;
  const bool is_at_end = sp < stack.begin + kNear && sp + kGuard > stack.begin;
  return is_at_end && touched < stack.begin && touched + kNear > sp && touched < sp + kNear;
}

void write_stack(const CrashArea& area, const Crash& crash) {
  CrashBlock& block = area.block();
  const MemoryRegion stack = find_stack(crash.machine.frame.sp);
  block.stack_begin = stack.begin;
  block.stack_end = stack.end;
  block.is_stack_overflow = is_stack_overflow(crash, stack) ? 1 : 0;

  FrameWalk walk(crash.machine.frame);
  record_stack(walk, block);
}

void write_scope(const CrashArea& area, const Crash& crash) {
  copy_scope(area);
  crash_site().crashed_thread.store(crash.thread_id);
  copy_scopes_of_thread(area, crash_site().copy_thread_scopes.load());
}

void write_breadcrumbs(const CrashArea& area, const Crash& /*crash*/) { copy_breadcrumbs(area); }

void write_maps(const CrashArea& area, const Crash& /*crash*/) {
  area.block().maps_bytes = static_cast<std::uint32_t>(copy_module_maps(area.at(kCrashMapsAt), kCrashMapsBytes));
}

void write_stack_memory(const CrashArea& area, const Crash& crash) {
  CrashBlock& block = area.block();
  const std::uintptr_t sp = crash.machine.frame.sp;
  std::uintptr_t from = sp - std::min<std::uintptr_t>(sp, kRedZone);
  if (block.is_stack_overflow != 0) from = std::max<std::uintptr_t>(from, block.stack_begin);
  block.stack_address = from;
  block.stack_bytes = static_cast<std::uint32_t>(read_memory(from, area.at(kCrashStackAt), kCrashStackBytes));
}

void write_threads(const CrashArea& area, const Crash& crash) {
  area.block().thread_count = static_cast<std::uint32_t>(
      collect_thread_stacks({area.threads(), kCrashThreads}, crash.thread_id, /*is_urgent=*/true));
}

struct Stage {
  CrashStage name;
  void (*write)(const CrashArea&, const Crash&);
};
constexpr Stage kStages[] = {
    {CrashStage::kSignal, write_signal},   {CrashStage::kStack, write_stack},
    {CrashStage::kScope, write_scope},     {CrashStage::kBreadcrumbs, write_breadcrumbs},
    {CrashStage::kMaps, write_maps},       {CrashStage::kStackMemory, write_stack_memory},
    {CrashStage::kThreads, write_threads},
};

}  // namespace

void begin_crash(const CrashArea& area) {
  next_stage.store(0);
  CrashBlock& block = area.block();
  block.stages.store(0);
  block.state.store(CrashState::kBegun);
}

void write_crash(const CrashArea& area, const Crash& crash) {
  CrashBlock& block = area.block();
  while (true) {
    const std::uint32_t stage = next_stage.fetch_add(1);
    if (stage >= std::size(kStages)) return;
    kStages[stage].write(area, crash);
    block.stages.fetch_or(static_cast<std::uint32_t>(kStages[stage].name));
  }
}

}  // namespace trapline::sdk
