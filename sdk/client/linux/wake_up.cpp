#include "sdk/client/wake_up.h"

#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace trapline::sdk {

void WakeUp::wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds at_most) {
  timespec timeout{};
  timeout.tv_sec = at_most.count() / 1000;
  timeout.tv_nsec = at_most.count() % 1000 * 1'000'000;
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, &timeout, nullptr, 0);
}

void WakeUp::wake_one(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace trapline::sdk
