#include "sdk/crash/posix/crash_machine.h"

#include <cstring>

namespace trapline::sdk {
namespace {

constexpr std::size_t kGeneral = 31;  // x0 to x30
constexpr const char* kNames[] = {"pc",  "sp",  "x0",  "x1",  "x2",  "x3",  "x4",  "x5",  "x6",  "x7",    "x8",  "x9",
                                  "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x18", "x19",   "x20", "x21",
                                  "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30", "pstate"};
static_assert(std::size(kNames) <= kCrashRegisters);

}  // namespace

std::size_t copy_registers(const ucontext_t& context, std::array<std::uint64_t, kCrashRegisters>& registers) {
  const mcontext_t& machine = context.uc_mcontext;
  registers[0] = machine.pc;
  registers[1] = machine.sp;
  for (std::size_t index = 0; index < kGeneral; ++index) registers[2 + index] = machine.regs[index];
  registers[2 + kGeneral] = machine.pstate;
  return std::size(kNames);
}

const char* register_name(std::size_t index) { return index < std::size(kNames) ? kNames[index] : ""; }

bool is_trap_passed() { return false; }

FaultAccess page_fault_access(const ucontext_t& context) {
  // The kernel appends the exception syndrome register to the context (asm/sigcontext.h, ESR_MAGIC); its bits are in
  // the Arm Architecture Reference Manual, "ESR_EL1".
  constexpr std::uint32_t kEsrMagic = 0x45535201;
  constexpr std::uint64_t kDataAbort = 0x24;
  constexpr std::uint64_t kInstructionAbort = 0x20;
  constexpr std::uint64_t kIsWrite = 1U << 6U;
  const auto* const records = reinterpret_cast<const unsigned char*>(context.uc_mcontext.__reserved);
  std::size_t at = 0;
  while (at + 16 <= sizeof context.uc_mcontext.__reserved) {
    std::uint32_t magic = 0;
    std::uint32_t size = 0;
    std::memcpy(&magic, records + at, sizeof magic);
    std::memcpy(&size, records + at + 4, sizeof size);
    if (magic == 0 || size < 8) break;
    if (magic == kEsrMagic) {
      std::uint64_t syndrome = 0;
      std::memcpy(&syndrome, records + at + 8, sizeof syndrome);
      const std::uint64_t cause = syndrome >> 26U & 0x3FU;
      if (cause == kInstructionAbort) return FaultAccess::kExecute;
      if (cause != kDataAbort) return FaultAccess::kUnknown;
      return (syndrome & kIsWrite) != 0 ? FaultAccess::kWrite : FaultAccess::kRead;
    }
    at += size;
  }
  return FaultAccess::kUnknown;
}

}  // namespace trapline::sdk
