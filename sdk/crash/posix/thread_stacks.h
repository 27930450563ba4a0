#pragma once

#include <cstddef>
#include <span>

#include <sys/types.h>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Which signal asks a thread for its stack: the highest real-time signal but one for which the app has no handler;
/// ours is there only meanwhile.
int stack_signal();

/// Lists the process's threads but one, with their names, and asks each for its stack by a signal. A thread that does
/// not answer within 10 ms, because it is stuck in the kernel, or that blocks the signal is listed without. Answers how
/// many entries were filled. A thread in a system call may see that interrupted (EINTR). Async-signal-safe. One caller
/// at a time; a second one is answered 0 meanwhile, but for a crash, which is `urgent`.
std::size_t collect_thread_stacks(std::span<CrashThread> threads, pid_t except, bool is_urgent);

/// In the child of a fork: nobody collects there.
void forget_stack_collection();

}  // namespace trapline::sdk
