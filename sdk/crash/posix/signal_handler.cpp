#include "sdk/crash/posix/signal_handler.h"

#include <csignal>
#include <cstdint>

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "sdk/crash/alternate_stack.h"
#include "sdk/crash/crash_handler.h"
#include "sdk/crash/posix/crash_signal.h"
#include "sdk/crash/posix/crash_site.h"
#include "sdk/crash/posix/safe_memory.h"
#include "sdk/crash/posix/stack_signal.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {
namespace {

/// Where glibc keeps what it prints before it aborts, for debuggers: a pointer to a length and the text. Other C
/// libraries have none.
const std::uintptr_t* find_abort_message() {
  return static_cast<const std::uintptr_t*>(dlsym(RTLD_DEFAULT, "__abort_msg"));
}

}  // namespace

void install_crash_handlers(Recorder& recorder, const std::string& folder) {
  prepare_safe_memory();
  give_alternate_stack();
  CrashSite& site = crash_site();
  site.folder.fill('\0');
  folder.copy(site.folder.data(), site.folder.size() - 1);
  recorder.run_id().copy(site.run_id.data(), site.run_id.size());
  site.abort_message.store(find_abort_message());
  site.owner.store(getpid());
  site.crashing_thread.store(0);
  site.memory.store(recorder.memory());
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    if (earlier_handlers()[index].is_replaced.load()) continue;
    struct sigaction current {};
    sigaction(kCrashSignals[index], nullptr, &current);
    const bool is_ignored = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN;  // NOLINT
    const bool is_passing_on =
        (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_crash_signal;  // NOLINT
    if (is_ignored) continue;
    struct sigaction action {};
    action.sa_sigaction = on_crash_signal;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    // Not deferred: a crash inside the handler must reach it, too.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    if (!is_passing_on) earlier_handlers()[index].action = current;
    earlier_handlers()[index].is_replaced.store(true);
    earlier_handlers()[index].recovers.store(false);
    sigaction(kCrashSignals[index], &action, nullptr);
  }
}

void remove_crash_handlers() {
  CrashSite& site = crash_site();
  site.memory.store(nullptr);
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    struct sigaction current {};
    sigaction(kCrashSignals[index], nullptr, &current);
    const bool is_ours = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_crash_signal;  // NOLINT
    if (!is_ours || !earlier_handlers()[index].is_replaced.exchange(false)) continue;
    sigaction(kCrashSignals[index], &earlier_handlers()[index].action, nullptr);
  }
}

void allow_crash_reports(bool is_allowed) { crash_site().is_allowed.store(is_allowed); }
void set_thread_scopes_copier(CopyThreadScopes copy) { crash_site().copy_thread_scopes.store(copy); }

bool is_dying_by_crash(char* recorder_memory) {
  const CrashBlock& block = CrashArea(recorder_memory).block();
  if (block.note_thread_id.load() != 0) return true;
  // Inside the signal's handler that is blocked; a process that has gone on after it is none that dies by it.
  sigset_t blocked;
  const bool is_known = pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0;
  return block.state.load() != CrashState::kNone && is_known && sigismember(&blocked, block.signal) == 1;
}

void unblock_fault_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigaddset(&signals, number);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void unblock_crash_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kCrashSignals) sigaddset(&signals, signal);
  sigaddset(&signals, stack_signal());
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace trapline::sdk
