#include "sdk/stack/stack_trace.h"

#include <algorithm>

#include <unwind.h>

#include "sdk/stack/fast_unwind.h"

namespace trapline::sdk {
namespace {

const StackBounds& bounds_of_this_thread() {
  thread_local const StackBounds kBounds = look_up_stack_bounds();
  return kBounds;
}

struct Walk {
  std::span<std::uintptr_t> addresses;
  std::size_t count = 0;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  Walk& walk = *static_cast<Walk*>(argument);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address == 0 || walk.count == walk.addresses.size()) return _URC_END_OF_STACK;
  walk.addresses[walk.count++] = address;
  return _URC_NO_REASON;
}

/// By the C++ ABI (https://itanium-cxx-abi.github.io/cxx-abi/abi-eh.html): works everywhere, 0.2 us a frame and more.
std::size_t slow_unwind(std::span<std::uintptr_t> addresses) {
  Walk walk{addresses};
  _Unwind_Backtrace(add_frame, &walk);
  return walk.count;
}

}  // namespace

std::size_t capture_stack(const void* first, std::span<std::uintptr_t> addresses) {
  std::size_t count = fast_unwind(bounds_of_this_thread(), addresses);
  if (count == 0) count = slow_unwind(addresses);
  const auto found = addresses.first(count);
  // What comes before `first` are the SDK's own calls.
  const auto start = std::find(found.begin(), found.end(), reinterpret_cast<std::uintptr_t>(first));
  if (start == found.end()) return count;
  std::copy(start, found.end(), found.begin());
  return static_cast<std::size_t>(found.end() - start);
}

std::uintptr_t stack_end() { return bounds_of_this_thread().end; }

}  // namespace trapline::sdk
