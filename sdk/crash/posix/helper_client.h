#pragma once

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

/// Tells the helper process, if there is one, of the crash that was written, and waits until it has looked at this
/// process, for at most 400 ms. Async-signal-safe.
void tell_helper(const CrashArea& area);

}  // namespace trapline::sdk
