#include "sdk/crash/posix/crash_signal.h"

#include <cerrno>
#include <ctime>

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/posix/crash_response.h"

namespace trapline::sdk {
namespace {

constinit std::array<EarlierHandler, kCrashSignals.size()> all_earlier;

EarlierHandler* find_earlier(int signal) {
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    if (kCrashSignals[index] == signal) return &earlier_handlers()[index];
  }
  return nullptr;
}

/// Calls the app's handler as the kernel would have. It may end the process, jump away, or return: then it has mended
/// what was wrong.
void call_earlier(EarlierHandler& earlier, const CaughtSignal& caught) {
  const struct sigaction action = earlier.action;
  sigset_t blocked = action.sa_mask;
  if ((action.sa_flags & SA_NODEFER) == 0) sigaddset(&blocked, caught.number);
  // Until our handler returns: then the kernel puts the thread's own mask back.
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    earlier.action = {};
    earlier.action.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's struct
  }
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access,cppcoreguidelines-pro-type-const-cast)
    action.sa_sigaction(caught.number, const_cast<siginfo_t*>(caught.info), const_cast<ucontext_t*>(caught.context));
  } else {
    action.sa_handler(caught.number);  // NOLINT(cppcoreguidelines-pro-type-union-access)
  }
}

/// The signal comes again, to the system, with the thread as it was: by the same instruction, or by us where that would
/// not do it again.
void end_by(const EarlierHandler* earlier, const CaughtSignal& caught) {
  struct sigaction now {};
  sigaction(caught.number, nullptr, &now);
  const bool is_ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_crash_signal;  // NOLINT
  // Also where a handler that came later has called ours; but not twice, where another thread has done it.
  if (earlier != nullptr && (is_ours || earlier->is_replaced.load()))
    sigaction(caught.number, &earlier->action, nullptr);
  const bool is_by_instruction =
      caught.info->si_code > 0 && caught.number != SIGTRAP && caught.number != SIGSYS && caught.number != SIGABRT;
  if (is_by_instruction) return;
  // Blocked until the handler returns: whoever handles it then finds the thread where it was.
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, caught.number);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  siginfo_t info = *caught.info;
  const long sent = syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), caught.number, &info);
  if (sent != 0) syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), caught.number);
}

bool is_function(const struct sigaction& action) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access)
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

/// To whoever had the signal before.
void hand_on(EarlierHandler* earlier, const CaughtSignal& caught) {
  if (earlier == nullptr || !is_function(earlier->action)) return end_by(earlier, caught);
  call_earlier(*earlier, caught);
  // It has returned, so this was no crash; nor will the next ones be, of which there may be thousands.
  earlier->recovers.store(true);
  withdraw_crash();
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

}  // namespace

std::array<EarlierHandler, kCrashSignals.size()>& earlier_handlers() { return all_earlier; }

void on_crash_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const CaughtSignal caught{signal, info, static_cast<const ucontext_t*>(context)};
  CrashSite& site = crash_site();
  EarlierHandler* const earlier = find_earlier(signal);
  const auto self = static_cast<pid_t>(syscall(SYS_gettid));
  pid_t nobody = 0;
  if (earlier != nullptr && earlier->recovers.load()) {
    hand_on(earlier, caught);
  } else if (site.crashing_thread.compare_exchange_strong(nobody, self)) {
    respond_to_crash(caught);
    site.crashing_thread.store(0);
    hand_on(earlier, caught);
  } else if (nobody == self) {
    // The handler itself has crashed: the rest is written, and the first crash goes on from here.
    respond_to_nested_crash(caught);
  } else {
    wait_for_the_end();
    hand_on(earlier, caught);
  }
  errno = saved_errno;
}

}  // namespace trapline::sdk
