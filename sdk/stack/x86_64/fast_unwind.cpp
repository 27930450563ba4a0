#include "sdk/stack/fast_unwind.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstring>

#include "sdk/stack/x86_64/unwind_rule.h"

namespace trapline::sdk {
namespace {

/// Rules by address. Any number of threads read and write without a lock: an entry is two words, of which one is the
/// other XOR the address, so that a mixture of two entries is never taken for one (Hyatt and Mann, "A lockless
/// transposition-table implementation").
class RuleCache {
 public:
  bool find(std::uintptr_t address, UnwindRule& rule) const {
    const Entry& entry = entries_[index_of(address)];
    const std::uint64_t packed = entry.rule.load(std::memory_order_relaxed);
    const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if ((key ^ packed) != address) return false;
    rule = unpack(packed);
    return true;
  }
  void put(std::uintptr_t address, const UnwindRule& rule) {
    Entry& entry = entries_[index_of(address)];
    const std::uint64_t packed = pack(rule);
    entry.rule.store(packed, std::memory_order_relaxed);
    entry.key.store(address ^ packed, std::memory_order_relaxed);
  }
  void clear() {
    for (Entry& entry : entries_) entry.key.store(0, std::memory_order_relaxed);
    for (Entry& entry : entries_) entry.rule.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kEntries = 4'096;
  struct Entry {
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> rule{0};
  };
  static std::size_t index_of(std::uintptr_t address) {
    return (address * 0x9E3779B97F4A7C15ULL) >> (64 - std::bit_width(kEntries - 1));
  }
  static std::uint64_t pack(const UnwindRule& rule) {
    return (static_cast<std::uint64_t>(rule.kind) << 56U) | (std::uint64_t{rule.saves_rbp} << 48U) |
           (std::uint64_t{static_cast<std::uint16_t>(rule.rbp_offset)} << 32U) |
           static_cast<std::uint32_t>(rule.cfa_offset);
  }
  static UnwindRule unpack(std::uint64_t packed) {
    UnwindRule rule;
    rule.kind = static_cast<UnwindRule::Kind>(packed >> 56U);
    rule.saves_rbp = (packed >> 48U & 1U) != 0;
    rule.rbp_offset = static_cast<std::int16_t>(packed >> 32U);
    rule.cfa_offset = static_cast<std::int32_t>(packed);
    return rule;
  }
  std::array<Entry, kEntries> entries_{};
};
RuleCache rule_cache;

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
    UnwindRule rule;
    if (!rule_cache.find(address, rule)) {
      rule = read_unwind_rule(address);
      rule_cache.put(address, rule);
    }
    if (rule.kind == UnwindRule::Kind::kOutermost) return count;
    if (rule.kind == UnwindRule::Kind::kUnknown || !step(registers, rule, bounds)) return 0;
    if (registers.rip == 0) return count;
    addresses[count++] = registers.rip;
  }
  return count;
}

void forget_unwind_rules() { rule_cache.clear(); }

}  // namespace trapline::sdk
