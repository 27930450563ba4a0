#pragma once

/// Where throws are remembered (throw_hook.h says what for): a ring of the last throws of each thread. What hooks them
/// depends on the system: posix/throw_hook.cpp, windows/throw_hook.cpp.

#include <cstdint>
#include <span>
#include <typeinfo>

namespace trapline::sdk {

/// Whether anybody wants them remembered.
bool is_remembering_throws();
void set_remembering_throws(bool wanted);

/// Remembers a stack of the calling thread, innermost first, as that of the throw of an exception object. Where there
/// is no memory for the thread's ring, nothing is.
void remember_throw(const void* object, const std::type_info* type, std::span<const std::uintptr_t> stack);

/// Whether an exception object was thrown, as far as the system tells, and not only made (std::make_exception_ptr):
/// what is remembered of its place may be another's.
bool may_have_been_thrown(const void* object);

/// An exception object is made where another one was, and not by a throw: what is remembered is not its own.
void forget_throw(const void* object);

}  // namespace trapline::sdk
