#pragma once

#include "sdk/crash/posix/crash_writer.h"

namespace trapline::sdk {

/// What is done about a crash of the calling thread, in its signal handler: the recorder is written, the helper process
/// told. Async-signal-safe.
void respond_to_crash(const CaughtSignal& caught);

/// What was written last was no crash after all: the app's own handler has mended it. Async-signal-safe.
void withdraw_crash();

/// The same, called by a crash inside it: goes on behind what crashed, then ends the process by the first signal.
[[noreturn]] void respond_to_nested_crash(const CaughtSignal& nested);

}  // namespace trapline::sdk
