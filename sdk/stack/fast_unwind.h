#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sdk/stack/stack_bounds.h"

namespace trapline::sdk {

/// Walks the calling thread's stack by the unwind tables' rules, remembering the rule of every address it has met: some
/// 10 ns a frame, a fifteenth of what _Unwind_Backtrace costs. Writes return addresses, innermost first, and answers
/// how many; 0 when the stack holds anything that is not plain (signal frames, expressions in the tables, code without
/// tables, a stack that is not the thread's own), or the machine is not one that this is written for: then the slow way
/// has to do it. Any thread, no allocation, no lock. Reads within `bounds` only.
std::size_t fast_unwind(StackBounds bounds, std::span<std::uintptr_t> addresses);

/// Forgets all rules: a library was unloaded, and another may come where it was. Any thread.
void forget_unwind_rules();

}  // namespace trapline::sdk
