#include "sdk/client/wake_up.h"

#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trapline::sdk {
namespace {

/// Waits while the word has the value (futex(2)).
void wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds at_most) {
  timespec timeout{};
  timeout.tv_sec = at_most.count() / 1000;
  timeout.tv_nsec = at_most.count() % 1000 * 1'000'000;
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, &timeout, nullptr, 0);
}

}  // namespace

void WakeUp::wake() {
  state_.store(kAwake, std::memory_order_seq_cst);
  urgent_.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &urgent_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
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
