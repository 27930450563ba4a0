#pragma once

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

/// Looks up where the C library keeps what it prints before it aborts: a failed assertion, a damaged heap, a smashed
/// stack. Once, before any crash.
void prepare_last_words();

/// Adds it to the note of an abort. Async-signal-safe.
void write_last_words(const CrashArea& area, int signal);

/// Adds rows of fields to the note; false when they do not fit. Async-signal-safe.
bool add_to_note(const CrashArea& area, std::string_view row);

}  // namespace trapline::sdk
