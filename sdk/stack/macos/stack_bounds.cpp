#include "sdk/stack/stack_bounds.h"

#include <cstddef>

#include <pthread.h>

namespace trapline::sdk {

StackBounds look_up_stack_bounds() {
  const pthread_t self = pthread_self();
  const auto end = reinterpret_cast<std::uintptr_t>(pthread_get_stackaddr_np(self));  // the upper one
  const std::size_t bytes = pthread_get_stacksize_np(self);
  return end > bytes ? StackBounds{end - bytes, end} : StackBounds{};
}

}  // namespace trapline::sdk
