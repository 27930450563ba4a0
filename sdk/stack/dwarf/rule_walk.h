#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sdk/stack/dwarf/rule_cache.h"
#include "sdk/stack/fast_unwind.h"

namespace trapline::sdk {

/// Where a function of this thread is.
struct FrameRegisters {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t fp = 0;
};

/// A word of the stack; 0, which ends a walk, outside of it.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) inline std::uintptr_t read_stack(
    std::uintptr_t at, const StackBounds& bounds) {
  if (at < bounds.begin || at + sizeof(std::uintptr_t) > bounds.end || at % sizeof(std::uintptr_t) != 0) return 0;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  return *reinterpret_cast<const std::uintptr_t*>(at);
}

/// To the caller's frame. False when it cannot be done this way.
inline bool step_by_rule(FrameRegisters& registers, const UnwindRule& rule, const StackBounds& bounds,
                         std::uintptr_t address_bits) {
  const bool is_by_sp = rule.kind() == UnwindRule::Kind::kFromStackPointer;
  if ((!is_by_sp && rule.kind() != UnwindRule::Kind::kFromFramePointer) || !rule.saves_return()) return false;
  const std::uintptr_t base = is_by_sp ? registers.sp : registers.fp;
  const std::uintptr_t cfa = base + static_cast<std::uintptr_t>(std::int64_t{rule.cfa_offset()});
  if (cfa <= registers.sp || cfa > bounds.end) return false;
  if (rule.saves_frame_pointer())
    registers.fp = read_stack(cfa + static_cast<std::uintptr_t>(std::int64_t{rule.frame_pointer_offset}), bounds);
  registers.pc = read_stack(cfa + static_cast<std::uintptr_t>(std::int64_t{rule.return_offset}), bounds) & address_bits;
  registers.sp = cfa;
  return true;
}

/// As fast_unwind(), from a function that asks for its own registers. Part of that function, which must have its frame
/// until the walk is over. `address_bits`: those of a return address that are an address.
[[gnu::always_inline]] inline std::size_t walk_by_rules(FrameRegisters registers, const StackBounds& bounds,
                                                        std::span<std::uintptr_t> addresses,
                                                        std::uintptr_t address_bits) {
  if (registers.sp < bounds.begin || registers.sp >= bounds.end) return 0;  // a coroutine's stack, or a signal's
  bool is_first = true;
  std::size_t count = 0;
  while (count < addresses.size()) {
    // The rule of the call, which ends where the return address points: that may be another function already.
    const std::uintptr_t address = is_first ? registers.pc : registers.pc - 1;
    is_first = false;
    const UnwindRule rule = find_rule(address);
    if (rule.kind() == UnwindRule::Kind::kOutermost) return count;
    if (!step_by_rule(registers, rule, bounds, address_bits)) return 0;
    if (registers.pc == 0) return count;
    addresses[count++] = registers.pc;
  }
  return count;
}

}  // namespace trapline::sdk
