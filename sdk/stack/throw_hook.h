#pragma once

/// Remembers where exceptions were thrown: by the time one is caught, its stack is gone. __cxa_throw (Itanium C++ ABI,
/// "Throwing an Exception") is replaced by ours, which keeps the return addresses of the last throws of each thread and
/// goes on to the C++ library's. Rethrowing (throw;, std::rethrow_exception) does not come by here and keeps the
/// exception object, by which its first throw is found, from any thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <typeinfo>

namespace trapline::sdk {

constexpr std::size_t kThrowFrames = 64;

/// Whether throws come by our function: not where this library was loaded by dlopen() after the program, nor where the
/// program has a C++ library of its own linked in.
bool has_throw_hook();

/// Begins or ends remembering. Any thread.
void remember_throws(bool wanted);

/// The stack of the throw of an exception object, innermost first; answers how many addresses, 0 when it is not known.
/// Any thread; not from a signal handler.
std::size_t find_throw_stack(const void* object, const std::type_info& type, std::span<std::uintptr_t> addresses);

/// The same of the exception that the calling thread is handling, if its type has that (mangled) name.
std::size_t find_throw_stack_of_current(const char* type_name, std::span<std::uintptr_t> addresses);

}  // namespace trapline::sdk
