#pragma once

/// The thread that has crashes written: it waits for exceptions of all other threads. So the stack and the locks of the
/// one that crashed are of no matter.

#include "sdk/crash/macos/crash_writer.h"

namespace trapline::sdk {

/// Begins to have the process's exceptions come to that thread, which is started when there is none. False: the system
/// does not allow it.
bool take_exceptions();
/// Ends it. The thread stays, and waits.
void give_exceptions_back();

/// For a signal's handler: has the crash of the calling thread written, and waits until it is. Async-signal-safe.
void report_signal(const Crash& crash);

/// Whether the calling thread is that one.
bool is_exception_thread();

/// What the exception thread was writing when it crashed itself: the rest is written, and the process ends by the first
/// crash's signal. On that thread, in a signal's handler.
[[noreturn]] void end_by_nested_crash(int nested_signal);

/// Whether a crash of the calling thread is in the recorder already, by which the process is about to end.
bool is_recorded();

/// What was written last was no crash after all: the app's own handler has mended it. Async-signal-safe.
void withdraw_crash();

}  // namespace trapline::sdk
