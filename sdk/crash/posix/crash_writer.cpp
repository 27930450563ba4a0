#include "sdk/crash/posix/crash_writer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <ctime>
#include <new>

#include "sdk/crash/crash_copies.h"
#include "sdk/crash/crash_note.h"
#include "sdk/crash/posix/crash_machine.h"
#include "sdk/crash/posix/proc_file.h"
#include "sdk/crash/posix/safe_memory.h"
#include "sdk/crash/record_stack.h"
#include "sdk/crash/thread_stacks.h"
#include "sdk/stack/context_walk.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kRedZone = 128;

/// The stage that is next, for a handler that is called again because it crashed in one.
std::atomic<std::uint32_t> next_stage{0};

core::UnixMillis now_millis() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<core::UnixMillis>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void write_signal(const CrashArea& area, const CaughtSignal& caught) {
  CrashBlock& block = area.block();
  block.timestamp = now_millis();
  identify_thread(block);
  block.signal = caught.number;
  block.code = caught.info->si_code;
  const bool was_sent = caught.info->si_code <= 0;
  block.sender_pid = was_sent ? caught.info->si_pid : 0;
  block.sender_uid = was_sent ? caught.info->si_uid : 0;
  block.address = was_sent ? 0 : reinterpret_cast<std::uintptr_t>(caught.info->si_addr);
  block.access = static_cast<std::uint64_t>(page_fault_access(*caught.context));
  block.register_count = static_cast<std::uint32_t>(copy_registers(*caught.context, block.registers));
}

/// What was touched lies where the stack pointer is, and that has come to the stack's end: in the guard below it.
bool is_stack_overflow(const CaughtSignal& caught, std::uintptr_t sp, const StackMapping& mapping) {
  constexpr std::uintptr_t kNear = 1U << 17U;   // a frame's end may be touched before its beginning
  constexpr std::uintptr_t kGuard = 1U << 20U;  // what may lie between the stack pointer and the stack
  const bool is_fault = (caught.number == SIGSEGV || caught.number == SIGBUS) && caught.info->si_code > 0;
  if (!is_fault || mapping.begin == 0) return false;
  const auto touched = reinterpret_cast<std::uintptr_t>(caught.info->si_addr);
  const bool is_at_end = sp < mapping.begin + kNear && sp + kGuard > mapping.begin;
  return is_at_end && touched < mapping.begin && touched + kNear > sp && touched < sp + kNear;
}

void write_stack(const CrashArea& area, const CaughtSignal& caught) {
  CrashBlock& block = area.block();
  const std::uintptr_t sp = stack_pointers(*caught.context).sp;
  const StackMapping mapping = find_stack_mapping(sp);
  block.stack_begin = mapping.begin;
  block.stack_end = mapping.end;
  block.is_stack_overflow = is_stack_overflow(caught, sp, mapping) ? 1 : 0;

  // The stack may be small; one crash is written at a time.
  using Reader = SafeWordReader<4096>;
  alignas(Reader) static std::array<std::byte, sizeof(Reader)> room;
  ContextWalk walk(*caught.context, *new (room.data()) Reader);
  record_stack(walk, block);
  // The walk answers what is behind an interrupted instruction; a trap that the program has passed is there already.
  if (caught.number == SIGTRAP && caught.info->si_code > 0 && block.depth > 0 && is_trap_passed()) --block.frames[0];
}

void write_scope(const CrashArea& area, const CaughtSignal&) {
  copy_scope(area);
  copy_scopes_of_thread(area, crash_site().copy_thread_scopes.load());
}

void write_breadcrumbs(const CrashArea& area, const CaughtSignal&) { copy_breadcrumbs(area); }

void write_maps(const CrashArea& area, const CaughtSignal&) {
  area.block().maps_bytes = static_cast<std::uint32_t>(copy_module_maps(area.at(kCrashMapsAt), kCrashMapsBytes));
}

void write_stack_memory(const CrashArea& area, const CaughtSignal& caught) {
  CrashBlock& block = area.block();
  const std::uintptr_t sp = stack_pointers(*caught.context).sp;
  std::uintptr_t from = sp - std::min<std::uintptr_t>(sp, kRedZone);
  if (block.is_stack_overflow != 0) from = std::max(from, block.stack_begin);
  block.stack_address = from;
  block.stack_bytes = static_cast<std::uint32_t>(read_memory(from, area.at(kCrashStackAt), kCrashStackBytes));
}

void write_threads(const CrashArea& area, const CaughtSignal&) {
  area.block().thread_count =
      static_cast<std::uint32_t>(collect_thread_stacks({area.threads(), kCrashThreads}, area.block().thread_id,
                                                       /*is_urgent=*/true));
}

struct Stage {
  CrashStage name;
  void (*write)(const CrashArea&, const CaughtSignal&);
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

void write_crash(const CrashArea& area, const CaughtSignal& caught) {
  CrashBlock& block = area.block();
  while (true) {
    const std::uint32_t stage = next_stage.fetch_add(1);
    if (stage >= std::size(kStages)) return;
    kStages[stage].write(area, caught);
    block.stages.fetch_or(static_cast<std::uint32_t>(kStages[stage].name));
  }
}

}  // namespace trapline::sdk
