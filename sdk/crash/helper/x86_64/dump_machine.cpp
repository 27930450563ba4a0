#include "sdk/crash/helper/dump_machine.h"

#include <algorithm>

#include <sys/ptrace.h>
#include <sys/user.h>

namespace trapline::sdk {
namespace {

constexpr ContextField kContext[] = {{0xF8}, {0x98}, {0xA0}, {0x78}, {0x90}, {0x80}, {0x88}, {0xA8}, {0xB0},
                                     {0xB8}, {0xC0}, {0xC8}, {0xD0}, {0xD8}, {0xE0}, {0xE8}, {0xF0}, {0x44, 4}};

}  // namespace

constinit const DumpMachine kDumpMachine{
    .architecture = 9, .context_bytes = 1232, .flags_place = 0x30, .flags = 0x00100007, .context = kContext};

bool read_registers(pid_t thread, DumpRegisters& registers) {
  user_regs_struct from{};
  if (ptrace(PTRACE_GETREGS, thread, nullptr, &from) != 0) return false;
  const std::uint64_t values[] = {from.rip, from.rsp, from.rbp, from.rax, from.rbx, from.rcx,
                                  from.rdx, from.rsi, from.rdi, from.r8,  from.r9,  from.r10,
                                  from.r11, from.r12, from.r13, from.r14, from.r15, from.eflags};
  static_assert(std::size(values) == std::size(kContext));
  std::ranges::copy(values, registers.begin());
  return true;
}

}  // namespace trapline::sdk
