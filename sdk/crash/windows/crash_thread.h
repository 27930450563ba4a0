#pragma once

#include "sdk/crash/windows/crash_site.h"

namespace trapline::sdk {

/// Starts the thread that writes crashes, once: the one that crashes may have no stack left, or hold any lock. It waits
/// for ever.
void start_crash_thread();

/// Has it write the crash of the calling thread, and waits for that, some seconds at most. Where there is no such
/// thread the calling one writes.
void write_on_crash_thread(const CrashArea& area, const CaughtException& caught);

/// 0: there is none.
DWORD crash_thread_id();

}  // namespace trapline::sdk
