#pragma once

#include <cstddef>

namespace trapline::sdk {

class ThreadScopes;

/// The calling thread's scopes from now on, for copy_thread_scopes(); nullptr: it has none any more.
void show_thread_scopes(const ThreadScopes* scopes);

/// Copies the rows of the calling thread's scopes, the outer ones first, as far as there is room; answers the bytes.
/// Async-signal-safe.
std::size_t copy_thread_scopes(char* to, std::size_t room);

}  // namespace trapline::sdk
