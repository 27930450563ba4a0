/// By the unwind tables; where there are none, by frame pointers, which most code keeps on this processor (Procedure
/// Call Standard for the Arm 64-bit Architecture, "The Frame Pointer": a frame record is the caller's frame pointer and
/// the return address).

#include "sdk/stack/context_walk.h"

#include <csignal>
#include <cstddef>

#include "sdk/stack/dwarf/rule_cache.h"
#include "sdk/stack/dwarf/unwind_machine.h"

namespace trapline::sdk {
namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
constexpr std::size_t kFramePointer = 29;
constexpr std::size_t kLinkRegister = 30;

/// Return addresses may be signed in their upper bits (pointer authentication).
std::uintptr_t without_signature(std::uintptr_t address) { return address & kUnwindMachine.address_bits; }

/// The instructions to which a signal's handler returns (mov x8, #139; svc #0), by which unwinders know them.
constexpr std::uintptr_t kSignalReturn = 0xD4000001'D2801168;
/// siginfo_t comes before the context in the frame that the kernel makes.
constexpr std::uintptr_t kContextInFrame = sizeof(siginfo_t);
constexpr std::uintptr_t kRegistersInContext =
    kContextInFrame + offsetof(ucontext_t, uc_mcontext) + offsetof(mcontext_t, regs);

}  // namespace

StackPointers stack_pointers(const ucontext_t& context) { return {context.uc_mcontext.pc, context.uc_mcontext.sp}; }

ContextWalk::ContextWalk(const ucontext_t& context, WordReader& reader)
    : reader_(reader),
      pc_(context.uc_mcontext.pc),
      sp_(context.uc_mcontext.sp),
      fp_(context.uc_mcontext.regs[kFramePointer]),
      link_(without_signature(context.uc_mcontext.regs[kLinkRegister])) {}

bool ContextWalk::step() {
  const std::uintptr_t before = sp_;
  const bool was_interrupted = is_exact_;
  if (!step_by_rule() || pc_ == 0) return false;
  // Outwards means upwards, but for a function that has no frame of its own, and for a signal's handler, which may have
  // had a stack of its own.
  return was_interrupted || is_exact_ || sp_ > before;
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
    case UnwindRule::Kind::kStored:  // which no compiler writes here
    case UnwindRule::Kind::kUnknown:
      if (step_over_signal()) return true;
      return is_in_module(address) ? step_by_frame_pointer() : step_out_of_nowhere();
  }
  // A function that has called nothing yet has its return address in the link register, and only that one.
  const bool is_in_register = !rule.saves_return();
  if (is_in_register && !is_exact_) return false;
  const auto caller = is_in_register
                          ? std::optional(link_)
                          : reader_.read(cfa + static_cast<std::uintptr_t>(std::int64_t{rule.return_offset}));
  if (!caller) return false;
  if (rule.saves_frame_pointer()) {
    const auto saved = reader_.read(cfa + static_cast<std::uintptr_t>(std::int64_t{rule.frame_pointer_offset}));
    if (!saved) return false;
    fp_ = *saved;
  }
  pc_ = without_signature(*caller);
  sp_ = cfa;
  is_exact_ = false;
  return true;
}

/// What was interrupted by a signal lies in the frame that the kernel has made.
bool ContextWalk::step_over_signal() {
  const auto code = reader_.read(pc_);
  if (!code || *code != kSignalReturn) return false;
  const auto saved = [&](std::size_t number) { return reader_.read(sp_ + kRegistersInContext + number * kWord); };
  constexpr std::size_t kStackPointer = 31;  // sp and pc follow the general registers
  constexpr std::size_t kProgramCounter = 32;
  const auto pc = saved(kProgramCounter);
  const auto sp = saved(kStackPointer);
  const auto fp = saved(kFramePointer);
  const auto link = saved(kLinkRegister);
  if (!pc || !sp || !fp || !link) return false;
  pc_ = *pc;
  sp_ = *sp;
  fp_ = *fp;
  link_ = without_signature(*link);
  is_exact_ = true;
  return true;
}

/// Code without tables, or with ones that are too much for us.
bool ContextWalk::step_by_frame_pointer() {
  constexpr std::uintptr_t kLargestFrame = 1U << 20U;
  if (fp_ < sp_ || fp_ - sp_ > kLargestFrame) return false;
  const auto caller = reader_.read(fp_ + kWord);
  const auto saved = reader_.read(fp_);
  if (!caller || !saved || !is_in_module(without_signature(*caller) - 1)) return false;
  pc_ = without_signature(*caller);
  sp_ = fp_ + 2 * kWord;
  fp_ = *saved;
  is_exact_ = false;
  return true;
}

/// Somebody called an address where no code is.
bool ContextWalk::step_out_of_nowhere() {
  if (!is_exact_ || !is_in_module(link_ - 1)) return false;
  pc_ = link_;
  is_exact_ = false;
  return true;
}

}  // namespace trapline::sdk
