#include "sdk/stack/fast_unwind.h"

#include <algorithm>
#include <array>

#include <windows.h>

namespace trapline::sdk {

/// By the system, which has the tables of all modules at hand.
std::size_t fast_unwind(StackBounds /*bounds*/, std::span<std::uintptr_t> addresses) {
  constexpr std::size_t kMost = 256;
  std::array<void*, kMost> found;  // NOLINT(cppcoreguidelines-pro-type-member-init): written below
  const auto wanted = static_cast<ULONG>(std::min(addresses.size(), kMost));
  const std::size_t count = RtlCaptureStackBackTrace(0, wanted, found.data(), nullptr);
  std::transform(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), addresses.begin(),
                 [](void* address) { return reinterpret_cast<std::uintptr_t>(address); });
  return count;
}

void forget_unwind_rules() {}

}  // namespace trapline::sdk
