#pragma once

namespace trapline::tests {

/// The sanitizers do not support the child of a process with threads that goes on without exec(): AddressSanitizer's
/// allocator (of GCC 12) may be locked there for ever, ThreadSanitizer forbids new threads. Such cases are left out in
/// those builds: `* doctest::skip(kCannotFork)`.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCannotFork = true;
#else
constexpr bool kCannotFork = false;
#endif

}  // namespace trapline::tests
