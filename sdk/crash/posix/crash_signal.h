#pragma once

#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>

namespace trapline::sdk {

constexpr std::array<int, 7> kCrashSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

/// Who had a crash signal before us, in the order of kCrashSignals.
struct EarlierHandler {
  std::atomic<bool> is_replaced{false};  ///< by ours
  std::atomic<bool> recovers{false};     ///< it has mended a fault: what comes to it is no crash
  struct sigaction action {};
};
std::array<EarlierHandler, kCrashSignals.size()>& earlier_handlers();

/// The handler. Async-signal-safe, but for what an earlier handler does, which gets the signal afterwards.
void on_crash_signal(int signal, siginfo_t* info, void* context);

}  // namespace trapline::sdk
