#include "sdk/crash/posix/crash_signal.h"

#include <cerrno>
#include <ctime>

#include <sys/syscall.h>
#include <unistd.h>

#include "sdk/crash/posix/crash_response.h"

namespace trapline::sdk {
namespace {

constinit std::array<EarlierHandler, kCrashSignals.size()> earlier;

EarlierHandler* find_earlier(int signal) {
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    if (kCrashSignals[index] == signal) return &earlier_handlers()[index];
  }
  return nullptr;
}

/// The signal comes again, to whoever had it before, with the thread as it was: by the same instruction, or by us where
/// that would not do it again.
void hand_on(const CaughtSignal& caught) {
  EarlierHandler* const before = find_earlier(caught.number);
  // Once: another thread may have done it already, and whoever had it before may have put another one there.
  if (before != nullptr && before->is_replaced.exchange(false)) sigaction(caught.number, &before->action, nullptr);
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

}  // namespace

std::array<EarlierHandler, kCrashSignals.size()>& earlier_handlers() { return earlier; }

void on_crash_signal(int signal, siginfo_t* info, void* context) {
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

}  // namespace trapline::sdk
