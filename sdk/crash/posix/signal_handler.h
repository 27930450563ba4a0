#pragma once

namespace trapline::sdk {

/// The calling thread's own faults reach the handler. (The kernel ends a process at once by a fault that is blocked.)
void unblock_fault_signals();

/// The calling thread can be interrupted by crash signals, and asked for its stack, whatever else it blocks: for
/// threads of our own, on which nothing of the app's may run but its hooks.
void unblock_crash_signals();

}  // namespace trapline::sdk
