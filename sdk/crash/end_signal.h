#pragma once

#include "sdk/recorder/layout.h"

namespace trapline::sdk {

/// Notes when the process is told to end by SIGTERM, SIGINT, SIGHUP or SIGQUIT, so that the next start does not take
/// that for something else. Only those that nobody handles or ignores; the process ends by them as before.
void install_end_signals(LifeSigns& life);
void remove_end_signals();

}  // namespace trapline::sdk
