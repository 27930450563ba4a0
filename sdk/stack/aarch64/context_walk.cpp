/// By frame pointers, which compilers keep on this processor (Procedure Call Standard for the Arm 64-bit Architecture,
/// "The Frame Pointer"): a frame record is the caller's frame pointer and the return address.

#include "sdk/stack/context_walk.h"

#include <csignal>
#include <cstddef>

namespace trapline::sdk {
namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
constexpr std::size_t kFramePointer = 29;
constexpr std::size_t kLinkRegister = 30;

/// Return addresses may be signed in their upper bits (pointer authentication).
constexpr std::uintptr_t kAddressBits = (std::uintptr_t{1} << 48U) - 1;

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
      link_(context.uc_mcontext.regs[kLinkRegister] & kAddressBits) {}

bool ContextWalk::step() {
  // A function that calls nothing may have no frame record: its caller is in the link register. In one that has called
  // something that is an address of its own, which then comes twice: better than to lose a caller.
  const bool is_interrupted = is_exact_;
  if (is_interrupted && !is_in_module(pc_)) return step_out_of_nowhere();
  if (!is_interrupted && step_over_signal()) return true;
  const bool is_done = step_by_frame_pointer();
  if (!is_interrupted || !is_in_module(link_ - 1)) return is_done;
  if (is_done && pc_ == link_) return true;
  // Between the two there is one more: the leaf's caller.
  if (is_done) {
    pending_ = pc_;
    pc_ = link_;
  } else {
    pc_ = link_;
    is_exact_ = false;
  }
  return pc_ != 0;
}

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
  link_ = *link & kAddressBits;
  is_exact_ = true;
  return true;
}

bool ContextWalk::step_by_frame_pointer() {
  if (pending_ != 0) {
    pc_ = pending_;
    pending_ = 0;
    return true;
  }
  constexpr std::uintptr_t kLargestFrame = 1U << 20U;
  if (fp_ < sp_ || fp_ - sp_ > kLargestFrame) return false;
  const auto caller = reader_.read(fp_ + kWord);
  const auto saved = reader_.read(fp_);
  if (!caller || !saved || *caller == 0) return false;
  pc_ = *caller & kAddressBits;
  sp_ = fp_ + 2 * kWord;
  fp_ = *saved;
  is_exact_ = false;
  return true;
}

/// Somebody called an address where no code is.
bool ContextWalk::step_out_of_nowhere() {
  if (!is_in_module(link_ - 1)) return false;
  pc_ = link_;
  is_exact_ = false;
  return true;
}

}  // namespace trapline::sdk
