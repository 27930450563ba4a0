#include <ctime>

#include "sdk/core/clock.h"

namespace trapline::core {

std::int64_t coarse_millis() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace trapline::core
