#include "sdk/crash/macos/crash_signal.h"

#include <cerrno>

#include <pthread.h>
#include <unistd.h>

#include "sdk/crash/macos/exception_thread.h"

namespace trapline::sdk {
namespace {

constinit std::array<EarlierHandler, kCrashSignals.size()> earlier_handlers;

EarlierHandler* find_earlier(int signal) {
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    if (kCrashSignals[index] == signal) return &earlier_handlers[index];
  }
  return nullptr;
}

bool is_function(const struct sigaction& action) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-union-access): the system's struct
  return (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
}

/// Calls the app's handler as the kernel would have. It may end the process, jump away, or return: then it has mended
/// what was wrong.
void call_earlier(EarlierHandler& earlier, int signal, siginfo_t* info, void* context) {
  const struct sigaction action = earlier.action;
  sigset_t blocked = action.sa_mask;
  if ((action.sa_flags & SA_NODEFER) == 0) sigaddset(&blocked, signal);
  // Until our handler returns: then the kernel puts the thread's own mask back.
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    earlier.action = {};
    earlier.action.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access)
  }
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);  // NOLINT(cppcoreguidelines-pro-type-union-access)
  } else {
    action.sa_handler(signal);  // NOLINT(cppcoreguidelines-pro-type-union-access)
  }
}

/// The signal comes again when the handler returns, to the system.
void end_by(const EarlierHandler* earlier, int signal) {
  if (earlier != nullptr) sigaction(signal, &earlier->action, nullptr);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  pthread_kill(pthread_self(), signal);
}

Crash read_signal(int signal, const siginfo_t& info, const ucontext_t& context) {
  Crash crash;
  crash.thread = pthread_mach_thread_np(pthread_self());
  pthread_threadid_np(nullptr, &crash.thread_id);
  crash.signal = signal;
  // What comes here unannounced was sent: of a fault the exception thread knows before.
  crash.code = SI_USER;
  crash.was_sent = true;
  crash.sender_pid = info.si_pid;
  crash.sender_uid = info.si_uid;
  crash.machine = read_machine_state(context);
  return crash;
}

void on_crash_signal(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (is_exception_thread()) end_by_nested_crash(signal);
  EarlierHandler* const earlier = find_earlier(signal);
  const bool recovers = earlier != nullptr && earlier->recovers.load();
  if (!recovers && !is_recorded()) {
    const Crash crash = read_signal(signal, *info, *static_cast<const ucontext_t*>(context));
    report_signal(crash);
  }
  if (earlier == nullptr || !is_function(earlier->action)) {
    end_by(earlier, signal);
  } else {
    call_earlier(*earlier, signal, info, context);
    // It has returned, so this was no crash; nor will the next ones be, of which there may be thousands.
    if (!recovers) withdraw_crash();
    earlier->recovers.store(true);
  }
  errno = saved_errno;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_crash_signal;  // NOLINT
}

}  // namespace

void install_signal_handlers() {
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    EarlierHandler& earlier = earlier_handlers[index];
    if (earlier.is_replaced.load()) continue;
    struct sigaction current {};
    sigaction(kCrashSignals[index], nullptr, &current);
    const bool is_ignored = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN;  // NOLINT
    if (is_ignored) continue;
    struct sigaction action {};
    action.sa_sigaction = on_crash_signal;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    // Not deferred: a crash of the exception thread inside the handler must reach it, too.
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    if (!is_ours(current)) earlier.action = current;
    earlier.is_replaced.store(true);
    earlier.recovers.store(false);
    sigaction(kCrashSignals[index], &action, nullptr);
  }
}

void remove_signal_handlers() {
  for (std::size_t index = 0; index < kCrashSignals.size(); ++index) {
    struct sigaction current {};
    sigaction(kCrashSignals[index], nullptr, &current);
    if (!is_ours(current) || !earlier_handlers[index].is_replaced.exchange(false)) continue;
    sigaction(kCrashSignals[index], &earlier_handlers[index].action, nullptr);
  }
}

bool reports_fault(int signal) {
  const EarlierHandler* const earlier = find_earlier(signal);
  if (earlier == nullptr || earlier->recovers.load()) return false;
  struct sigaction current {};
  sigaction(signal, nullptr, &current);
  return is_ours(current) || !is_function(current);
}

void let_signal_come(int signal) {
  const EarlierHandler* const earlier = find_earlier(signal);
  struct sigaction current {};
  sigaction(signal, nullptr, &current);
  // The app's handler is called by ours, which sees whether it returns. Otherwise ours has nothing to do: it is taken
  // away, as it could not run on a stack that is full.
  const bool is_in_the_way = earlier != nullptr && is_ours(current) && !is_function(earlier->action);
  if (is_in_the_way) sigaction(signal, &earlier->action, nullptr);
}

}  // namespace trapline::sdk
