#pragma once

/// A minidump of a process that is about to die (https://learn.microsoft.com/windows/win32/api/minidumpapiset/, as
/// Breakpad and Crashpad write it on Linux): the threads with registers and stacks, the modules with their build ids,
/// the signal. x86-64 only.

#include <sys/types.h>

namespace trapline::sdk {

/// Stops all threads of the process, looks at them, lets them go on, and writes the file. `recorder` is the file that
/// the crash handler has written into: the crashed thread's registers are there. False when the process may not be
/// looked at, or the file not be written.
bool write_minidump(pid_t process, const char* recorder, const char* to);

}  // namespace trapline::sdk
