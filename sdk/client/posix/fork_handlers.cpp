#include "sdk/client/fork_handlers.h"

#include <pthread.h>

namespace trapline::sdk {

void call_around_forks(void (*before)(), void (*in_parent)(), void (*in_child)()) {
  pthread_atfork(before, in_parent, in_child);
}

}  // namespace trapline::sdk
