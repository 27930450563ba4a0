#pragma once

#include <cstdint>
#include <string_view>

namespace trapline::core::this_thread {

/// The calling thread's id, as the kernel counts. Asked for once a thread, and again in the child of a fork.
std::uint64_t id();

/// Its name; looked up again every second, since it may change. Valid until the next call on this thread.
std::string_view name();

/// Gives it a name, of at most 15 characters.
void set_name(const char* name);

/// In the child of a fork: the thread that forked has another id there.
void forget_after_fork();

}  // namespace trapline::core::this_thread
