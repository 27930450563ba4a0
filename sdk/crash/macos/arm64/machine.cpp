#include "sdk/crash/macos/machine.h"

#include <algorithm>
#include <csignal>
#include <iterator>

namespace trapline::sdk {
namespace {

constexpr std::size_t kGeneral = 29;  // x0 to x28
constexpr const char* kNames[] = {"pc",  "sp",  "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",  "x8",  "x9",
                                  "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21",
                                  "x22", "x23", "x24", "x25", "x26", "x27", "x28", "fp",  "lr",  "cpsr"};
static_assert(std::size(kNames) <= kCrashRegisters);

FrameRegisters frame_of(const arm_thread_state64_t& state) {
  return {plain_address(arm_thread_state64_get_pc(state)), plain_address(arm_thread_state64_get_sp(state)),
          plain_address(arm_thread_state64_get_fp(state)), plain_address(arm_thread_state64_get_lr(state))};
}

/// The exception syndrome register (Arm Architecture Reference Manual, "ESR_EL1").
FaultAccess access_of(const arm_exception_state64_t& state) {
  constexpr std::uint32_t kDataAbort = 0x24;
  constexpr std::uint32_t kInstructionAbort = 0x20;
  constexpr std::uint32_t kIsWrite = 1U << 6U;
  const std::uint32_t syndrome = state.__esr;
  const std::uint32_t cause = syndrome >> 26U & 0x3FU;
  if (cause == kInstructionAbort) return FaultAccess::kExecute;
  if (cause != kDataAbort) return FaultAccess::kUnknown;
  return (syndrome & kIsWrite) != 0 ? FaultAccess::kWrite : FaultAccess::kRead;
}

MachineState machine_of(const arm_thread_state64_t& general, const arm_exception_state64_t& exception) {
  MachineState state;
  state.frame = frame_of(general);
  state.registers[0] = state.frame.pc;
  state.registers[1] = state.frame.sp;
  std::copy_n(std::begin(general.__x), kGeneral, state.registers.begin() + 2);
  state.registers[2 + kGeneral] = state.frame.fp;
  state.registers[3 + kGeneral] = state.frame.link;
  state.registers[4 + kGeneral] = general.__cpsr;
  state.register_count = std::size(kNames);
  state.access = access_of(exception);
  return state;
}

}  // namespace

const char* register_name(std::size_t index) { return index < std::size(kNames) ? kNames[index] : ""; }

int arithmetic_code(std::int64_t code) {
  switch (code) {
    case EXC_ARM_FP_DZ:
      return FPE_FLTDIV;
    case EXC_ARM_FP_OF:
      return FPE_FLTOVF;
    case EXC_ARM_FP_UF:
      return FPE_FLTUND;
    case EXC_ARM_FP_IX:
      return FPE_FLTRES;
    default:
      return FPE_FLTINV;
  }
}

MachineState read_machine_state(thread_t thread) {
  arm_thread_state64_t general{};
  arm_exception_state64_t exception{};
  mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
  thread_get_state(thread, ARM_THREAD_STATE64, reinterpret_cast<thread_state_t>(&general), &count);
  count = ARM_EXCEPTION_STATE64_COUNT;
  thread_get_state(thread, ARM_EXCEPTION_STATE64, reinterpret_cast<thread_state_t>(&exception), &count);
  return machine_of(general, exception);
}

MachineState read_machine_state(const ucontext_t& context) {
  return machine_of(context.uc_mcontext->__ss, context.uc_mcontext->__es);
}

FrameRegisters read_frame_registers(thread_t thread) {
  arm_thread_state64_t general{};
  mach_msg_type_number_t count = ARM_THREAD_STATE64_COUNT;
  thread_get_state(thread, ARM_THREAD_STATE64, reinterpret_cast<thread_state_t>(&general), &count);
  return frame_of(general);
}

}  // namespace trapline::sdk
