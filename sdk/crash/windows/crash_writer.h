#pragma once

#include "sdk/crash/windows/crash_site.h"

namespace trapline::sdk {

/// Writes the crash into the recorder, stage by stage, each of them guarded: a fault in one leaves the rest. On any
/// thread that the crashed one waits for, or on that itself. Allocates nothing on the heap.
void write_crash(const CrashArea& area, const CaughtException& caught);

}  // namespace trapline::sdk
