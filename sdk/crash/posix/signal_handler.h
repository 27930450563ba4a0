#pragma once

#include <string>

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

class Recorder;

/// Has crashes of this process written into its recorder: SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP and SIGSYS,
/// but for those that are ignored. After that the handler that was there before has the signal, as if there were no
/// other, and what the process ends with is the same. The recorder must stay until remove_signal_handlers().
/// `folder`: where recorders are; "": in memory only. The calling thread gets a stack for handlers.
void install_signal_handlers(Recorder& recorder, const std::string& folder);

/// Takes them away again, where no other handler was installed after them: those stay and only pass on.
void remove_signal_handlers();

/// The calling thread's own faults reach the handler. (The kernel ends a process at once by a fault that is blocked.)
void unblock_fault_signals();

/// Whether the process ends by a crash that is in its recorder, though it does so in peace: a terminate handler, or an
/// earlier handler of the signal, has called exit().
bool is_dying_by_crash(char* recorder_memory);

/// The calling thread can be interrupted by crash signals, and asked for its stack, whatever else it blocks: for
/// threads of our own, on which nothing of the app's may run but its hooks.
void unblock_crash_signals();

}  // namespace trapline::sdk
