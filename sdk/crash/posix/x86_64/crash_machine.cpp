#include "sdk/crash/posix/crash_machine.h"

namespace trapline::sdk {
namespace {

struct Register {
  const char* name;
  int place;  ///< in mcontext_t::gregs
};
constexpr Register kRegisters[] = {
    {"rip", REG_RIP}, {"rsp", REG_RSP}, {"rbp", REG_RBP}, {"rax", REG_RAX}, {"rbx", REG_RBX}, {"rcx", REG_RCX},
    {"rdx", REG_RDX}, {"rsi", REG_RSI}, {"rdi", REG_RDI}, {"r8", REG_R8},   {"r9", REG_R9},   {"r10", REG_R10},
    {"r11", REG_R11}, {"r12", REG_R12}, {"r13", REG_R13}, {"r14", REG_R14}, {"r15", REG_R15}, {"eflags", REG_EFL},
};
static_assert(std::size(kRegisters) <= kCrashRegisters);

}  // namespace

std::size_t copy_registers(const ucontext_t& context, std::array<std::uint64_t, kCrashRegisters>& registers) {
  for (std::size_t index = 0; index < std::size(kRegisters); ++index) {
    registers[index] = static_cast<std::uint64_t>(context.uc_mcontext.gregs[kRegisters[index].place]);
  }
  return std::size(kRegisters);
}

const char* register_name(std::size_t index) { return index < std::size(kRegisters) ? kRegisters[index].name : ""; }

bool is_trap_passed() { return true; }

FaultAccess page_fault_access(const ucontext_t& context) {
  // Intel's Software Developer's Manual, volume 3, "Page-Fault Exceptions": trap 14 and its error code.
  constexpr greg_t kPageFault = 14;
  if (context.uc_mcontext.gregs[REG_TRAPNO] != kPageFault) return FaultAccess::kUnknown;
  const auto code = static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_ERR]);
  if ((code & 16U) != 0) return FaultAccess::kExecute;
  return (code & 2U) != 0 ? FaultAccess::kWrite : FaultAccess::kRead;
}

}  // namespace trapline::sdk
