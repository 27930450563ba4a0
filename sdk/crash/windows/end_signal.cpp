#include "sdk/crash/end_signal.h"

#include <atomic>
#include <csignal>

#include <windows.h>

namespace trapline::sdk {
namespace {

std::atomic<LifeSigns*> noted{nullptr};

/// Ctrl+C, Ctrl+Break, the console's window is closed, the user signs out, the machine shuts down.
BOOL WINAPI on_end(DWORD kind) {
  LifeSigns* const life = noted.load();
  if (life != nullptr) life->end_signal.store(kind == CTRL_C_EVENT ? SIGINT : SIGTERM);
  return FALSE;  // the next handler, as if there were none of ours
}

}  // namespace

void install_end_signals(LifeSigns& life) {
  noted.store(&life);
  SetConsoleCtrlHandler(on_end, TRUE);
}

void remove_end_signals() {
  noted.store(nullptr);
  SetConsoleCtrlHandler(on_end, FALSE);
}

}  // namespace trapline::sdk
