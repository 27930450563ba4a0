#pragma once

namespace trapline::sdk {

/// Which signal asks a thread for its stack: the highest real-time signal but one for which the app has no handler;
/// ours is there only meanwhile. (A thread that does not answer within 10 ms, because it is stuck in the kernel, or
/// that blocks the signal is listed without. A thread in a system call may see that interrupted, EINTR.)
/// Async-signal-safe.
int stack_signal();

}  // namespace trapline::sdk
