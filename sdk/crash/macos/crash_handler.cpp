#include "sdk/crash/crash_handler.h"

#include <csignal>

#include <pthread.h>
#include <unistd.h>

#include "sdk/crash/macos/crash_signal.h"
#include "sdk/crash/macos/crash_site.h"
#include "sdk/crash/macos/exception_thread.h"
#include "sdk/crash/posix/signal_handler.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

/// The folder is of no use: the child of a fork that crashes before it has called the SDK makes no recorder here.
void install_crash_handlers(Recorder& recorder, const std::string& /*folder*/) {
  CrashSite& site = crash_site();
  site.owner.store(getpid());
  site.memory.store(recorder.memory());
  take_exceptions();
  install_signal_handlers();
}

void remove_crash_handlers() {
  crash_site().memory.store(nullptr);
  remove_signal_handlers();
  give_exceptions_back();
}

bool is_dying_by_crash(char* recorder_memory) {
  const CrashBlock& block = CrashArea(recorder_memory).block();
  if (block.note_thread_id.load() != 0) return true;
  // Inside the signal's handler that is blocked; a process that has gone on after it is none that dies by it.
  sigset_t blocked;
  const bool is_known = pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0;
  return block.state.load() != CrashState::kNone && is_known && sigismember(&blocked, block.signal) == 1;
}

/// A fault comes to the exception thread also where its signal is blocked.
void unblock_fault_signals() {}

void unblock_crash_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kCrashSignals) sigaddset(&signals, signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace trapline::sdk
