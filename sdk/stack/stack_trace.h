#pragma once

#include <cstdint>
#include <vector>

namespace trapline::sdk {

constexpr std::size_t kMostFrames = 128;

/// The return addresses of this thread's calls, innermost first, at most kMostFrames. The stack begins with the call
/// that returns to `first`, so that the SDK's own calls are not in it: pass __builtin_return_address(0) from the
/// function that the app called. With nullptr, or when `first` is not on the stack, nothing is left out. Any thread;
/// not from a signal handler. Unwinds by the C++ ABI's _Unwind_Backtrace
/// (https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html), so it needs no frame pointers.
std::vector<std::uintptr_t> capture_stack(const void* first);

}  // namespace trapline::sdk
