#include "sdk/crash/windows/exception_registers.h"

#include "sdk/crash/registers.h"

namespace trapline::sdk {
namespace {

constexpr const char* kNames[] = {"rip", "rsp", "rbp", "rax", "rbx", "rcx", "rdx", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15", "eflags"};
static_assert(std::size(kNames) <= kCrashRegisters);

}  // namespace

std::size_t copy_registers(const CONTEXT& context, std::array<std::uint64_t, kCrashRegisters>& registers) {
  const DWORD64 values[] = {context.Rip, context.Rsp, context.Rbp, context.Rax, context.Rbx, context.Rcx,
                            context.Rdx, context.Rsi, context.Rdi, context.R8,  context.R9,  context.R10,
                            context.R11, context.R12, context.R13, context.R14, context.R15, context.EFlags};
  static_assert(std::size(values) == std::size(kNames));
  for (std::size_t index = 0; index < std::size(values); ++index) registers[index] = values[index];
  return std::size(values);
}

const char* register_name(std::size_t index) { return index < std::size(kNames) ? kNames[index] : ""; }

}  // namespace trapline::sdk
