#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sdk/client/event_decoder.h"
#include "sdk/core/event.h"
#include "sdk/recorder/recorder.h"
#include "sdk/stack/readable_stack.h"

namespace trapline::sdk {

/// The crash that a process which is gone left in its recorder, as an event.
struct CrashEvent {
  std::string payload;  ///< the event borrows from it
  DecodedEvent decoded;
};

/// Nothing when the process did not crash. Whatever the file holds: it may be damaged.
std::unique_ptr<CrashEvent> read_crash(const AbandonedRecorder& abandoned);

/// Names the crash by what its stack shows, once that is readable: the functions that an overflowing stack repeats.
void name_crash(CrashEvent& crash, StackReader& stacks);

/// The modules of the process: those it had listed, and those it has loaded since, as the crash handler saw them.
std::vector<core::Module> modules_at_end(const AbandonedRecorder& abandoned);

}  // namespace trapline::sdk
