#include "sdk/crash/macos/machine.h"

#include <algorithm>
#include <csignal>
#include <iterator>

namespace trapline::sdk {
namespace {

constexpr const char* kNames[] = {"rip", "rsp", "rbp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "rflags"};
static_assert(std::size(kNames) <= kCrashRegisters);

FrameRegisters frame_of(const x86_thread_state64_t& state) { return {state.__rip, state.__rsp, state.__rbp, 0}; }

/// The error code of a page fault (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3, "Page-Fault
/// Exceptions").
FaultAccess access_of(const x86_exception_state64_t& state) {
  constexpr std::uint32_t kPageFault = 14;
  constexpr std::uint32_t kIsWrite = 2;
  constexpr std::uint32_t kIsFetch = 16;
  if (state.__trapno != kPageFault) return FaultAccess::kUnknown;
  if ((state.__err & kIsFetch) != 0) return FaultAccess::kExecute;
  return (state.__err & kIsWrite) != 0 ? FaultAccess::kWrite : FaultAccess::kRead;
}

MachineState machine_of(const x86_thread_state64_t& general, const x86_exception_state64_t& exception) {
  MachineState state;
  state.frame = frame_of(general);
  const std::uint64_t values[] = {general.__rip, general.__rsp, general.__rbp,   general.__rax, general.__rbx,
                                  general.__rcx, general.__rdx, general.__rsi,   general.__rdi, general.__r8,
                                  general.__r9,  general.__r10, general.__r11,   general.__r12, general.__r13,
                                  general.__r14, general.__r15, general.__rflags};
  static_assert(std::size(values) == std::size(kNames));
  std::copy(std::begin(values), std::end(values), state.registers.begin());
  state.register_count = std::size(kNames);
  state.access = access_of(exception);
  return state;
}

}  // namespace

const char* register_name(std::size_t index) { return index < std::size(kNames) ? kNames[index] : ""; }

int arithmetic_code(std::int64_t code) {
  if (code == EXC_I386_DIV) return FPE_INTDIV;
  return code == EXC_I386_INTO ? FPE_INTOVF : FPE_FLTINV;
}

MachineState read_machine_state(thread_t thread) {
  x86_thread_state64_t general{};
  x86_exception_state64_t exception{};
  mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;
  thread_get_state(thread, x86_THREAD_STATE64, reinterpret_cast<thread_state_t>(&general), &count);
  count = x86_EXCEPTION_STATE64_COUNT;
  thread_get_state(thread, x86_EXCEPTION_STATE64, reinterpret_cast<thread_state_t>(&exception), &count);
  return machine_of(general, exception);
}

MachineState read_machine_state(const ucontext_t& context) {
  return machine_of(context.uc_mcontext->__ss, context.uc_mcontext->__es);
}

FrameRegisters read_frame_registers(thread_t thread) {
  x86_thread_state64_t general{};
  mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;
  thread_get_state(thread, x86_THREAD_STATE64, reinterpret_cast<thread_state_t>(&general), &count);
  return frame_of(general);
}

}  // namespace trapline::sdk
