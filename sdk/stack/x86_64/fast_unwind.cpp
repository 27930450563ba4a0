#include "sdk/stack/fast_unwind.h"

#include "sdk/stack/x86_64/rule_cache.h"

namespace trapline::sdk {
namespace {

/// Eight bytes of the stack; 0, which ends a walk, outside of it.
__attribute__((no_sanitize("address"), no_sanitize("thread"))) std::uintptr_t read_stack(std::uintptr_t at,
                                                                                         const StackBounds& bounds) {
  if (at < bounds.begin || at + sizeof(std::uintptr_t) > bounds.end || at % sizeof(std::uintptr_t) != 0) return 0;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  return *reinterpret_cast<const std::uintptr_t*>(at);
}

struct Registers {
  std::uintptr_t rip = 0;
  std::uintptr_t rsp = 0;
  std::uintptr_t rbp = 0;
};

/// To the caller's frame. False when it cannot be done this way.
bool step(Registers& registers, const UnwindRule& rule, const StackBounds& bounds) {
  if (rule.kind != UnwindRule::Kind::kFromRsp && rule.kind != UnwindRule::Kind::kFromRbp) return false;
  const std::uintptr_t base = rule.kind == UnwindRule::Kind::kFromRsp ? registers.rsp : registers.rbp;
  const std::uintptr_t cfa = base + static_cast<std::uintptr_t>(std::int64_t{rule.cfa_offset});
  if (cfa <= registers.rsp || cfa > bounds.end) return false;
  if (rule.saves_rbp)
    registers.rbp = read_stack(cfa + static_cast<std::uintptr_t>(std::int64_t{rule.rbp_offset}), bounds);
  registers.rip = read_stack(cfa - sizeof(std::uintptr_t), bounds);
  registers.rsp = cfa;
  return true;
}

}  // namespace

[[gnu::noinline]] std::size_t fast_unwind(StackBounds bounds, std::span<std::uintptr_t> addresses) {
  Registers registers;
  asm volatile("leaq 0f(%%rip), %0\n0:\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"
               : "=r"(registers.rip), "=r"(registers.rsp), "=r"(registers.rbp));
  if (registers.rsp < bounds.begin || registers.rsp >= bounds.end) return 0;  // a coroutine's stack, or a signal's
  bool is_first = true;
  std::size_t count = 0;
  while (count < addresses.size()) {
    // The rule of the call, which ends where the return address points: that may be another function already.
    const std::uintptr_t address = is_first ? registers.rip : registers.rip - 1;
    is_first = false;
    const UnwindRule rule = find_rule(address);
    if (rule.kind == UnwindRule::Kind::kOutermost) return count;
    if (!step(registers, rule, bounds)) return 0;
    if (registers.rip == 0) return count;
    addresses[count++] = registers.rip;
  }
  return count;
}

}  // namespace trapline::sdk
