#include "sdk/crash/macos/fault.h"

#include <csignal>

#include "sdk/crash/macos/crash_code.h"
#include "sdk/crash/macos/machine.h"
#include "sdk/crash/macos/thread_list.h"

namespace trapline::sdk {
namespace {

/// First codes that only one processor has (mach/<processor>/exception.h).
constexpr std::int64_t kArmAlignment = 0x101;
constexpr std::int64_t kArmSignature = 0x105;
constexpr std::int64_t kIntelGeneralProtection = 13;

struct SignalOfFault {
  int number;
  int code;
};

SignalOfFault signal_of(exception_type_t exception, std::int64_t code) {
  switch (exception) {
    case EXC_BAD_ACCESS:
      if (code == KERN_INVALID_ADDRESS) return {SIGSEGV, SEGV_MAPERR};
      if (code == kIntelGeneralProtection) return {SIGSEGV, kImpossibleAddress};
      if (code == kArmAlignment) return {SIGBUS, BUS_ADRALN};
      if (code == kArmSignature) return {SIGBUS, kBadSignature};
      return {SIGBUS, BUS_ADRERR};
    case EXC_BAD_INSTRUCTION:
      return {SIGILL, ILL_ILLOPC};
    case EXC_ARITHMETIC:
      return {SIGFPE, arithmetic_code(code)};
    case EXC_BREAKPOINT:
      return {SIGTRAP, TRAP_BRKPT};
    default:
      return {SIGKILL, 0};
  }
}

}  // namespace

Crash read_fault(const ExceptionRequest& request) {
  Crash crash;
  crash.thread = request.thread.name;
  crash.thread_id = id_of(crash.thread);
  const std::int64_t first = request.code_count > 0 ? request.codes[0] : 0;
  const SignalOfFault signal = signal_of(request.exception, first);
  crash.signal = signal.number;
  crash.code = signal.code;
  const bool has_address = request.exception == EXC_BAD_ACCESS && signal.code != kImpossibleAddress;
  if (has_address && request.code_count > 1) crash.address = static_cast<std::uint64_t>(request.codes[1]);
  crash.machine = read_machine_state(crash.thread);
  return crash;
}

}  // namespace trapline::sdk
