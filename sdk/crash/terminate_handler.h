#pragma once

#include <atomic>

namespace trapline::sdk {

/// Installs a std::terminate handler that notes in the process's crash record (crash_site.h) what there is to know of
/// the exception that nobody caught: its type, what it says, those nested in it, the stack of its throw. Then it calls
/// the handler that was there before; the abort() at the end of that is what the crash is written for. One note a
/// process; other threads that terminate meanwhile wait for its end.
void install_terminate_handler();

/// Takes it away again, if no other handler was installed after it; else it stays and only passes on.
void remove_terminate_handler();

}  // namespace trapline::sdk
