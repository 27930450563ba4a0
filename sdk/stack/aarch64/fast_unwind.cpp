#include "sdk/stack/fast_unwind.h"

#include "sdk/stack/dwarf/rule_walk.h"
#include "sdk/stack/dwarf/unwind_machine.h"

namespace trapline::sdk {

[[gnu::noinline]] std::size_t fast_unwind(StackBounds bounds, std::span<std::uintptr_t> addresses) {
  FrameRegisters registers;
  asm volatile("adr %0, 0f\n0:\n\tmov %1, sp\n\tmov %2, x29"
               : "=&r"(registers.pc), "=&r"(registers.sp), "=r"(registers.fp));
  return walk_by_rules(registers, bounds, addresses, kUnwindMachine.address_bits);
}

}  // namespace trapline::sdk
