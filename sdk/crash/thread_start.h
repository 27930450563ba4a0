#pragma once

namespace trapline::sdk {

/// From now on every thread that is started gets a stack for signal handlers (alternate_stack.h): pthread_create() is
/// replaced by ours, which goes on to the system's. Not where this library was loaded after the program.
void reach_started_threads(bool wanted);

}  // namespace trapline::sdk
