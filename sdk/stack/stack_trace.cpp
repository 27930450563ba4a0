#include "sdk/stack/stack_trace.h"

#include <algorithm>

#include <unwind.h>

namespace trapline::sdk {
namespace {

/// The SDK's own calls come on top of what is asked for.
constexpr std::size_t kOwnFrames = 16;

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* argument) {
  auto& addresses = *static_cast<std::vector<std::uintptr_t>*>(argument);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address == 0 || addresses.size() == kMostFrames + kOwnFrames) return _URC_END_OF_STACK;
  addresses.push_back(address);
  return _URC_NO_REASON;
}

}  // namespace

std::vector<std::uintptr_t> capture_stack(const void* first) {
  std::vector<std::uintptr_t> addresses;
  addresses.reserve(kMostFrames + kOwnFrames);
  _Unwind_Backtrace(add_frame, &addresses);
  const auto start = std::find(addresses.begin(), addresses.end(), reinterpret_cast<std::uintptr_t>(first));
  if (start != addresses.end()) addresses.erase(addresses.begin(), start);
  if (addresses.size() > kMostFrames) addresses.resize(kMostFrames);
  return addresses;
}

}  // namespace trapline::sdk
