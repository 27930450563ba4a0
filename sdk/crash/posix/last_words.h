#pragma once

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

/// Adds to the note of an abort what the C library had to say before it: a failed assertion, a damaged heap, a smashed
/// stack. Async-signal-safe.
void write_last_words(const CrashArea& area, int signal);

}  // namespace trapline::sdk
