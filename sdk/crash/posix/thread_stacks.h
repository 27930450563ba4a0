#pragma once

#include <cstddef>
#include <span>

#include <sys/types.h>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Which signal asks a thread for its stack: one of the real-time signals, whose handler is there only meanwhile.
int stack_signal();

/// Lists the process's threads but one, with their names, and asks each for its stack by a signal. A thread that does
/// not answer within 10 ms, because it blocks all signals or is stuck in the kernel, is listed without. Answers how many
/// entries were filled. Async-signal-safe. One caller at a time; a second one is answered 0 meanwhile.
std::size_t collect_thread_stacks(std::span<CrashThread> threads, pid_t except);

}  // namespace trapline::sdk
