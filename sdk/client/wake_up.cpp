#include "sdk/client/wake_up.h"

namespace trapline::sdk {

void WakeUp::wake() {
  state_.store(kAwake, std::memory_order_seq_cst);
  urgent_.fetch_add(1, std::memory_order_seq_cst);
  wake_one(urgent_);
}

bool WakeUp::sleep(std::chrono::milliseconds at_most) {
  const std::uint32_t before = urgent_.load(std::memory_order_seq_cst);
  if (state_.load(std::memory_order_seq_cst) == kAsleep) wait_on(urgent_, before, at_most);
  const bool was_told = state_.exchange(kAwake, std::memory_order_seq_cst) == kAwake;
  return was_told;
}

void WakeUp::nap(std::chrono::milliseconds at_most) {
  wait_on(urgent_, urgent_.load(std::memory_order_seq_cst), at_most);
}

}  // namespace trapline::sdk
