#pragma once

#include <csignal>

#include <ucontext.h>

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

/// What a signal's handler was called with.
struct CaughtSignal {
  int number;
  const siginfo_t* info;
  const ucontext_t* context;
};

/// Writes the crash of the calling thread into the recorder, stage by stage, from the first that is not done yet.
/// Async-signal-safe. A crash inside is to be answered by calling it again: it goes on with the next stage.
void write_crash(const CrashArea& area, const CaughtSignal& caught);

/// Forgets how far an earlier crash was written.
void begin_crash(const CrashArea& area);

}  // namespace trapline::sdk
