#include "sdk/crash/posix/signal_handler.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/posix/alternate_stack.h"
#include "sdk/crash/posix/crash_response.h"
#include "sdk/crash/posix/last_words.h"
#include "sdk/crash/posix/safe_memory.h"
#include "sdk/crash/posix/thread_stacks.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {
namespace {

constexpr std::array<int, 7> kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};

struct Installed {
  std::atomic<bool> is_ours{false};
  struct sigaction before {};
};
std::array<Installed, kSignals.size()> installed;

Installed* find_installed(int signal) {
  for (std::size_t index = 0; index < kSignals.size(); ++index) {
    if (kSignals[index] == signal) return &installed[index];
  }
  return nullptr;
}

/// The signal comes again, to whoever had it before, with the thread as it was: by the same instruction, or by us where
/// that would not do it again.
void hand_on(const CaughtSignal& caught) {
  Installed* const ours = find_installed(caught.number);
  // Once: another thread may have done it already, and whoever had it before may have put another one there.
  if (ours != nullptr && ours->is_ours.exchange(false)) sigaction(caught.number, &ours->before, nullptr);
  const bool is_by_instruction =
      caught.info->si_code > 0 && caught.number != SIGTRAP && caught.number != SIGSYS && caught.number != SIGABRT;
  if (is_by_instruction) return;
  // Blocked until the handler returns: whoever handles it then finds the thread where it was.
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, caught.number);
  sigprocmask(SIG_BLOCK, &one, nullptr);
  siginfo_t info = *caught.info;
  const long sent = syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), caught.number, &info);
  if (sent != 0) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), caught.number);
}

/// Another thread crashes already: the process is about to end.
void wait_for_the_end() {
  constexpr int kTries = 300;
  constexpr long kPauseNs = 10'000'000;
  for (int attempt = 0; attempt < kTries && crash_site().crashing_thread.load() != 0; ++attempt) {
    const timespec pause{0, kPauseNs};
    nanosleep(&pause, nullptr);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const CaughtSignal caught{signal, info, static_cast<const ucontext_t*>(context)};
  CrashSite& site = crash_site();
  const auto self = static_cast<pid_t>(syscall(SYS_gettid));
  pid_t nobody = 0;
  if (site.crashing_thread.compare_exchange_strong(nobody, self)) {
    respond_to_crash(caught);
    hand_on(caught);
    site.crashing_thread.store(0);
  } else if (nobody == self) {
    // The handler itself has crashed: the rest is written, and the first crash goes on from here.
    respond_to_nested_crash(caught);
  } else {
    wait_for_the_end();
    hand_on(caught);
  }
  errno = saved_errno;
}

}  // namespace

void install_signal_handlers(Recorder& recorder, const std::string& folder) {
  prepare_safe_memory();
  prepare_last_words();
  give_alternate_stack();
  CrashSite& site = crash_site();
  site.folder.fill('\0');
  folder.copy(site.folder.data(), site.folder.size() - 1);
  recorder.run_id().copy(site.run_id.data(), site.run_id.size());
  site.owner.store(getpid());
  site.crashing_thread.store(0);
  site.memory.store(recorder.memory());
  for (std::size_t index = 0; index < kSignals.size(); ++index) {
    if (installed[index].is_ours.load()) continue;
    struct sigaction current {};
    sigaction(kSignals[index], nullptr, &current);
    const bool is_ignored = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN;  // NOLINT
    const bool is_passing_on = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_signal;  // NOLINT
    if (is_ignored) continue;
    struct sigaction action {};
    action.sa_sigaction = on_signal;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    // Not deferred: a crash inside the handler must reach it, too.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    if (!is_passing_on) installed[index].before = current;
    installed[index].is_ours.store(true);
    sigaction(kSignals[index], &action, nullptr);
  }
}

void remove_signal_handlers() {
  CrashSite& site = crash_site();
  site.memory.store(nullptr);
  for (std::size_t index = 0; index < kSignals.size(); ++index) {
    struct sigaction current {};
    sigaction(kSignals[index], nullptr, &current);
    const bool is_ours = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == on_signal;  // NOLINT
    if (!is_ours || !installed[index].is_ours.exchange(false)) continue;
    sigaction(kSignals[index], &installed[index].before, nullptr);
  }
}

void unblock_crash_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : kSignals) sigaddset(&signals, signal);
  sigaddset(&signals, stack_signal());
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace trapline::sdk
