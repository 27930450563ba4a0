#include "sdk/crash/end_signal.h"

#include <atomic>
#include <csignal>

#include <unistd.h>

namespace trapline::sdk {
namespace {

constexpr int kEndSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

struct Noted {
  std::atomic<LifeSigns*> life{nullptr};
  std::atomic<pid_t> owner{0};
};
constinit Noted noted;

void on_end_signal(int number) {
  LifeSigns* const life = noted.life.load();
  if (life != nullptr && noted.owner.load() == getpid()) life->end_signal.store(number);
  struct sigaction none {};
  none.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access): the system's struct
  sigaction(number, &none, nullptr);
  // It comes when this handler returns.
  raise(number);
}

}  // namespace

void install_end_signals(LifeSigns& life) {
  noted.owner.store(getpid());
  noted.life.store(&life);
  for (const int number : kEndSignals) {
    struct sigaction current {};
    sigaction(number, nullptr, &current);
    const bool is_free = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_DFL;  // NOLINT
    if (!is_free) continue;
    struct sigaction action {};
    action.sa_handler = on_end_signal;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigaction(number, &action, nullptr);
  }
}

void remove_end_signals() {
  noted.life.store(nullptr);
  for (const int number : kEndSignals) {
    struct sigaction current {};
    sigaction(number, nullptr, &current);
    const bool is_ours = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == on_end_signal;  // NOLINT
    if (!is_ours) continue;
    struct sigaction none {};
    none.sa_handler = SIG_DFL;  // NOLINT(cppcoreguidelines-pro-type-union-access)
    sigaction(number, &none, nullptr);
  }
}

}  // namespace trapline::sdk
