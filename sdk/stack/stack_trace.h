#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trapline::sdk {

constexpr std::size_t kMostFrames = 128;

/// Writes the return addresses of this thread's calls, innermost first, and answers how many. The stack begins with the
/// call that returns to `first`, so that the SDK's own calls are not in it: pass __builtin_return_address(0) from the
/// function that the app called. With nullptr, or when `first` is not on the stack, nothing is left out. Any thread;
/// not from a signal handler. No memory is allocated, no frame pointers are needed
/// (fast_unwind.h).
std::size_t capture_stack(const void* first, std::span<std::uintptr_t> addresses);

/// Where the calling thread's stack ends: the highest address of it. Looked up once a thread.
std::uintptr_t stack_end();

}  // namespace trapline::sdk
