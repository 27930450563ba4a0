#include "sdk/crash/thread_start.h"

#include <atomic>
#include <cerrno>
#include <new>

#include <dlfcn.h>
#include <pthread.h>

#include "sdk/crash/alternate_stack.h"
#include "sdk/crash/posix/signal_handler.h"

namespace trapline::sdk {
namespace {

using CreateFunction = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

std::atomic<bool> is_wanted_for_threads{false};

struct Start {
  void* (*function)(void*);
  void* argument;
};

/// No handler of ours is on the new thread's stack while it runs.
void* begin_thread(void* argument) {
  const Start start = *static_cast<Start*>(argument);
  delete static_cast<Start*>(argument);
  give_alternate_stack();
  unblock_fault_signals();
  return start.function(start.argument);
}

CreateFunction next_create() {
  static std::atomic<CreateFunction> next{nullptr};
  CreateFunction function = next.load(std::memory_order_acquire);
  if (function == nullptr) {
    function = reinterpret_cast<CreateFunction>(dlsym(RTLD_NEXT, "pthread_create"));
    next.store(function, std::memory_order_release);
  }
  return function;
}

}  // namespace

void reach_started_threads(bool wanted) { is_wanted_for_threads.store(wanted); }

}  // namespace trapline::sdk

/// Weak, so that another library that replaces it may be linked in, too.
extern "C" [[gnu::visibility("default"), gnu::weak]] int pthread_create(pthread_t* thread,  // NOLINT
                                                                        const pthread_attr_t* attributes,
                                                                        void* (*function)(void*), void* argument) {
  using namespace trapline::sdk;
  const CreateFunction next = next_create();
  if (next == nullptr) return EAGAIN;
  if (!is_wanted_for_threads.load(std::memory_order_relaxed)) return next(thread, attributes, function, argument);
  auto* const start = new (std::nothrow) Start{function, argument};
  if (start == nullptr) return EAGAIN;
  const int error = next(thread, attributes, begin_thread, start);
  if (error != 0) delete start;
  return error;
}
