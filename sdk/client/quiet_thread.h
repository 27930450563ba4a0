#pragma once

#include <functional>
#include <thread>

namespace trapline::sdk {

/// Starts a thread of ours: no signal of the app's is handled on it, but a crash on it is reported. (A write past the
/// file size limit fails there instead of ending the process by SIGXFSZ.) Threads that it starts inherit that. `name`
/// has at most 15 characters and lives for ever.
std::thread start_quiet_thread(const char* name, std::function<void()> work);

}  // namespace trapline::sdk
