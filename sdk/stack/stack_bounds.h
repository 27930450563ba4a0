#pragma once

#include <cstdint>

namespace trapline::sdk {

/// Where a stack lies: addresses from `begin` to `end` may be read.
struct StackBounds {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

/// The calling thread's, as the system knows it; empty when it does not.
StackBounds look_up_stack_bounds();

}  // namespace trapline::sdk
