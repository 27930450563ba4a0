#include "sdk/stack/stack_bounds.h"

#include <windows.h>

namespace trapline::sdk {

StackBounds look_up_stack_bounds() {
  ULONG_PTR begin = 0;
  ULONG_PTR end = 0;
  GetCurrentThreadStackLimits(&begin, &end);
  return {begin, end};
}

}  // namespace trapline::sdk
