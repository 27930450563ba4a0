#include "sdk/crash/windows/crash_writer.h"

#include <algorithm>

#include "sdk/crash/crash_copies.h"
#include "sdk/crash/crash_note.h"
#include "sdk/crash/record_stack.h"
#include "sdk/crash/registers.h"
#include "sdk/crash/thread_stacks.h"
#include "sdk/crash/windows/exception_registers.h"
#include "sdk/crash/windows/guarded.h"
#include "sdk/stack/windows/stack_walk.h"

namespace trapline::sdk {
namespace {

bool is_memory_fault(const EXCEPTION_RECORD* record) {
  return record != nullptr && record->NumberParameters >= 2 &&
         (record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION || record->ExceptionCode == EXCEPTION_IN_PAGE_ERROR);
}

FaultAccess access_of(const EXCEPTION_RECORD& record) {
  switch (record.ExceptionInformation[0]) {
    case 0:
      return FaultAccess::kRead;
    case 1:
      return FaultAccess::kWrite;
    case 8:
      return FaultAccess::kExecute;
    default:
      return FaultAccess::kUnknown;
  }
}

void write_exception(const CrashArea& area, const CaughtException& caught) {
  CrashBlock& block = area.block();
  block.signal = caught.code;
  block.code = 0;
  const bool has_address = is_memory_fault(caught.record);
  block.address = has_address ? caught.record->ExceptionInformation[1] : 0;
  block.access = static_cast<std::uint64_t>(has_address ? access_of(*caught.record) : FaultAccess::kUnknown);
  block.register_count = static_cast<std::uint32_t>(copy_registers(*caught.context, block.registers));
}

void write_stack(const CrashArea& area, const CaughtException& caught) {
  CrashBlock& block = area.block();
  block.is_stack_overflow = caught.code == static_cast<std::int32_t>(EXCEPTION_STACK_OVERFLOW) ? 1 : 0;
  StackWalk walk(*caught.context);
  record_stack(walk, block);
}

void write_stack_memory(const CrashArea& area, const CaughtException& caught) {
  CrashBlock& block = area.block();
  block.stack_address = caught.context->Rsp;
  block.stack_bytes = 0;
  // Page by page, since what is asked for must be there as a whole.
  constexpr std::size_t kPageBytes = 4096;
  while (block.stack_bytes < kCrashStackBytes) {
    const std::uint64_t at = block.stack_address + block.stack_bytes;
    const std::size_t part = std::min<std::size_t>(kPageBytes - at % kPageBytes, kCrashStackBytes - block.stack_bytes);
    SIZE_T got = 0;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    if (ReadProcessMemory(GetCurrentProcess(), reinterpret_cast<const void*>(at),
                          area.at(kCrashStackAt + block.stack_bytes), part, &got) == 0) {
      return;
    }
    block.stack_bytes += static_cast<std::uint32_t>(got);
  }
}

void write_maps(const CrashArea& area, const CaughtException&) {
  area.block().maps_bytes = static_cast<std::uint32_t>(copy_module_maps(area.at(kCrashMapsAt), kCrashMapsBytes));
}

void write_threads(const CrashArea& area, const CaughtException&) {
  area.block().thread_count = static_cast<std::uint32_t>(
      collect_thread_stacks({area.threads(), kCrashThreads}, area.block().thread_id, /*is_urgent=*/true));
}

struct Stage {
  CrashStage name;
  void (*write)(const CrashArea&, const CaughtException&);
};
constexpr Stage kStages[] = {
    {CrashStage::kSignal, write_exception},
    {CrashStage::kStack, write_stack},
    {CrashStage::kScope, [](const CrashArea& area, const CaughtException&) { copy_scope(area); }},
    {CrashStage::kBreadcrumbs, [](const CrashArea& area, const CaughtException&) { copy_breadcrumbs(area); }},
    {CrashStage::kMaps, write_maps},
    {CrashStage::kStackMemory, write_stack_memory},
    {CrashStage::kThreads, write_threads},
};

}  // namespace

void write_crash(const CrashArea& area, const CaughtException& caught) {
  CrashBlock& block = area.block();
  bool is_whole = true;
  for (const Stage& stage : kStages) {
    auto work = [&] { stage.write(area, caught); };
    const bool is_done = run_guarded(work);
    is_whole = is_whole && is_done;
    // A stack is walked until it faults: what was found by then is as good as there is.
    const bool is_kept = is_done || stage.name == CrashStage::kStack;
    if (is_kept) block.stages.fetch_or(static_cast<std::uint32_t>(stage.name));
  }
  block.state.store(is_whole ? CrashState::kWhole : CrashState::kCutShort);
}

}  // namespace trapline::sdk
