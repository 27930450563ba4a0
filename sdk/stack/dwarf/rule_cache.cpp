#include "sdk/stack/dwarf/rule_cache.h"

#include <array>
#include <atomic>
#include <bit>

#include "sdk/stack/fast_unwind.h"

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
    rule = std::bit_cast<UnwindRule>(packed);
    return true;
  }
  void put(std::uintptr_t address, const UnwindRule& rule) {
    Entry& entry = entries_[index_of(address)];
    const std::uint64_t packed = std::bit_cast<std::uint64_t>(rule);
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
  std::array<Entry, kEntries> entries_{};
};
RuleCache rule_cache;

}  // namespace

UnwindRule find_rule(std::uintptr_t address) {
  UnwindRule rule;
  if (rule_cache.find(address, rule)) return rule;
  rule = read_unwind_rule(address);
  rule_cache.put(address, rule);
  return rule;
}

void forget_unwind_rules() { rule_cache.clear(); }

}  // namespace trapline::sdk
