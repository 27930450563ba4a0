#include "sdk/crash/helper/dump_machine.h"

#include <algorithm>

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

namespace trapline::sdk {
namespace {

constexpr std::size_t kGeneral = 31;  // x0 to x30

constexpr std::array<ContextField, kGeneral + 3> make_context() {
  std::array<ContextField, kGeneral + 3> context{};
  context[0] = {0x108};
  context[1] = {0x100};
  for (std::size_t index = 0; index < kGeneral; ++index) {
    context[2 + index] = {static_cast<std::uint16_t>(0x8 + 8 * index)};
  }
  context[2 + kGeneral] = {0x4, 4};
  return context;
}
constexpr auto kContext = make_context();

}  // namespace

constinit const DumpMachine kDumpMachine{
    .architecture = 12, .context_bytes = 912, .flags_place = 0, .flags = 0x00400003, .context = kContext};

bool read_registers(pid_t thread, DumpRegisters& registers) {
  user_regs_struct from{};
  iovec place{&from, sizeof from};
  if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &place) != 0) return false;
  registers[0] = from.pc;
  registers[1] = from.sp;
  std::copy_n(from.regs, kGeneral, registers.begin() + 2);
  registers[2 + kGeneral] = from.pstate;
  return true;
}

}  // namespace trapline::sdk
