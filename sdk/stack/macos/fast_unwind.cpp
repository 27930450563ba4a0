/// By frame pointers, which Apple's ABI demands of every function: nothing has to be looked up, nothing remembered.

#include "sdk/stack/fast_unwind.h"

#include "sdk/stack/macos/frame_walk.h"

namespace trapline::sdk {

[[gnu::noinline]] std::size_t fast_unwind(StackBounds bounds, std::span<std::uintptr_t> addresses) {
  constexpr std::uintptr_t kFrameBytes = 2 * sizeof(std::uintptr_t);
  auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  std::size_t count = 0;
  std::uintptr_t at_least = bounds.begin;
  while (count < addresses.size()) {
    const bool is_frame =
        frame >= at_least && frame % sizeof frame == 0 && frame < bounds.end && bounds.end - frame >= kFrameBytes;
    if (!is_frame) break;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
    const auto* const words = reinterpret_cast<const std::uintptr_t*>(frame);
    const std::uintptr_t caller = plain_address(words[1]);
    if (caller == 0) break;
    addresses[count++] = caller;
    at_least = frame + kFrameBytes;
    frame = words[0];
  }
  return count;
}

void forget_unwind_rules() {}

}  // namespace trapline::sdk
