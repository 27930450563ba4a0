#pragma once

/// Crashes that no exception tells of: abort(), a forbidden system call, a signal that somebody has sent. And the way
/// on for those that one did tell of: the kernel makes a signal of an exception that nobody has mended.

#include <array>
#include <atomic>
#include <csignal>

namespace trapline::sdk {

constexpr std::array<int, 7> kCrashSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

/// Who had a crash signal before us, in the order of kCrashSignals.
struct EarlierHandler {
  std::atomic<bool> is_replaced{false};  ///< by ours
  std::atomic<bool> recovers{false};     ///< it has mended a fault: what comes to it is no crash
  struct sigaction action {};
};

void install_signal_handlers();
/// Takes them away again, where no other handler was installed after them.
void remove_signal_handlers();

/// Whether a fault that becomes this signal is to be reported before the signal comes. It is not where an earlier
/// handler mends such faults, nor where a later one has the signal: that may mend it, and reports it by calling ours.
bool reports_fault(int signal);

/// Lets the signal that the kernel makes of a fault, which is in the recorder now, come to whom it came to before.
void let_signal_come(int signal);

}  // namespace trapline::sdk
