#include "sdk/stack/stack_bounds.h"

#include <cstddef>

#include <pthread.h>

namespace trapline::sdk {

StackBounds look_up_stack_bounds() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return {};
  void* begin = nullptr;
  std::size_t bytes = 0;
  StackBounds bounds;
  if (pthread_attr_getstack(&attributes, &begin, &bytes) == 0) {
    bounds.begin = reinterpret_cast<std::uintptr_t>(begin);
    bounds.end = bounds.begin + bytes;
  }
  pthread_attr_destroy(&attributes);
  return bounds;
}

}  // namespace trapline::sdk
