#include "sdk/client/wake_up.h"

#include <windows.h>

namespace trapline::sdk {

void WakeUp::wait_on(std::atomic<std::uint32_t>& word, std::uint32_t value, std::chrono::milliseconds at_most) {
  WaitOnAddress(&word, &value, sizeof value, static_cast<DWORD>(at_most.count()));
}

void WakeUp::wake_one(std::atomic<std::uint32_t>& word) { WakeByAddressSingle(&word); }

}  // namespace trapline::sdk
