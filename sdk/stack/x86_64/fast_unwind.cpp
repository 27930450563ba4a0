#include "sdk/stack/fast_unwind.h"

#include "sdk/stack/dwarf/rule_walk.h"

namespace trapline::sdk {

[[gnu::noinline]] std::size_t fast_unwind(StackBounds bounds, std::span<std::uintptr_t> addresses) {
  FrameRegisters registers;
  asm volatile("leaq 0f(%%rip), %0\n0:\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2"
               : "=r"(registers.pc), "=r"(registers.sp), "=r"(registers.fp));
  return walk_by_rules(registers, bounds, addresses, ~std::uintptr_t{0});
}

}  // namespace trapline::sdk
