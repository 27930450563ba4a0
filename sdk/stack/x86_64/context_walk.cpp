#include "sdk/stack/context_walk.h"

#include <cstddef>

#include "sdk/stack/dwarf/rule_cache.h"

namespace trapline::sdk {
namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
/// Where the registers are in the ucontext that the kernel puts on the stack of a signal's handler.
constexpr std::uintptr_t kRegistersInContext = offsetof(ucontext_t, uc_mcontext) + offsetof(mcontext_t, gregs);

/// The instructions to which a signal's handler returns (mov $15, %rax; syscall), by which unwinders know them.
bool is_signal_return(std::uintptr_t first, std::uintptr_t second) {
  return first == 0x0F'00'00'00'0F'C0'C7'48U && (second & 0xFFU) == 0x05;
}

}  // namespace

StackPointers stack_pointers(const ucontext_t& context) {
  return {static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]),
          static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP])};
}

ContextWalk::ContextWalk(const ucontext_t& context, WordReader& reader)
    : reader_(reader),
      pc_(static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP])),
      sp_(static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP])),
      fp_(static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RBP])) {}

bool ContextWalk::step() {
  const std::uintptr_t before = sp_;
  const bool is_done = step_by_rule();
  // Outwards means upwards, but for a signal's handler, which may have had a stack of its own.
  return is_done && (is_exact_ || sp_ > before) && pc_ != 0;
}

bool ContextWalk::step_by_rule() {
  const std::uintptr_t address = is_exact_ ? pc_ : pc_ - 1;
  const UnwindRule rule = find_rule(address);
  std::uintptr_t cfa = 0;
  switch (rule.kind()) {
    case UnwindRule::Kind::kOutermost:
      return false;
    case UnwindRule::Kind::kFromStackPointer:
      cfa = sp_ + static_cast<std::uintptr_t>(std::int64_t{rule.cfa_offset()});
      break;
    case UnwindRule::Kind::kFromFramePointer:
      cfa = fp_ + static_cast<std::uintptr_t>(std::int64_t{rule.cfa_offset()});
      break;
    case UnwindRule::Kind::kStored: {
      const auto stored = reader_.read(fp_ + static_cast<std::uintptr_t>(std::int64_t{rule.cfa_offset()}));
      if (!stored) return false;
      cfa = *stored;
      break;
    }
    case UnwindRule::Kind::kUnknown:
      if (!is_in_module(address)) return step_out_of_nowhere();
      return step_over_signal() || step_by_frame_pointer();
  }
  const auto caller = reader_.read(cfa - kWord);
  if (!caller) return false;
  if (rule.saves_frame_pointer()) {
    const std::uintptr_t base = rule.kind() == UnwindRule::Kind::kStored ? fp_ : cfa;
    const auto saved = reader_.read(base + static_cast<std::uintptr_t>(std::int64_t{rule.frame_pointer_offset}));
    if (!saved) return false;
    fp_ = *saved;
  }
  pc_ = *caller;
  sp_ = cfa;
  is_exact_ = false;
  return true;
}

/// What was interrupted by a signal lies in the frame that the kernel has made.
bool ContextWalk::step_over_signal() {
  const auto first = reader_.read(pc_);
  const auto second = reader_.read(pc_ + kWord);
  if (!first || !second || !is_signal_return(*first, *second)) return false;
  const auto saved = [&](int number) {
    return reader_.read(sp_ + kRegistersInContext + static_cast<std::uintptr_t>(number) * kWord);
  };
  const auto pc = saved(REG_RIP);
  const auto sp = saved(REG_RSP);
  const auto fp = saved(REG_RBP);
  if (!pc || !sp || !fp) return false;
  pc_ = *pc;
  sp_ = *sp;
  fp_ = *fp;
  is_exact_ = true;
  return true;
}

/// Code without tables, or with ones that are too much for us: most of it keeps a frame pointer.
bool ContextWalk::step_by_frame_pointer() {
  constexpr std::uintptr_t kLargestFrame = 1U << 20U;
  if (fp_ < sp_ || fp_ - sp_ > kLargestFrame) return false;
  const auto caller = reader_.read(fp_ + kWord);
  const auto saved = reader_.read(fp_);
  if (!caller || !saved || !is_in_module(*caller - 1)) return false;
  pc_ = *caller;
  sp_ = fp_ + 2 * kWord;
  fp_ = *saved;
  is_exact_ = false;
  return true;
}

/// Somebody called an address where no code is: the return address is what was pushed last.
bool ContextWalk::step_out_of_nowhere() {
  if (!is_exact_) return false;
  const auto caller = reader_.read(sp_);
  if (!caller || !is_in_module(*caller - 1)) return false;
  pc_ = *caller;
  sp_ += kWord;
  is_exact_ = false;
  return true;
}

}  // namespace trapline::sdk
