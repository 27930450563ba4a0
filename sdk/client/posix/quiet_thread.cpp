#include "sdk/client/quiet_thread.h"

#include <csignal>
#include <utility>

#include <pthread.h>

#include "sdk/core/this_thread.h"
#include "sdk/crash/alternate_stack.h"
#include "sdk/crash/posix/signal_handler.h"

namespace trapline::sdk {
namespace {

class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

std::thread start_quiet_thread(const char* name, std::function<void()> work) {
  const AllSignalsBlocked blocked;  // inherited by the thread
  return std::thread([name, work = std::move(work)] {
    core::this_thread::set_name(name);
    give_alternate_stack();
    unblock_crash_signals();
    work();
  });
}

}  // namespace trapline::sdk
