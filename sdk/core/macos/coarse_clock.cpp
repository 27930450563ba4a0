#include <ctime>

#include "sdk/core/clock.h"

namespace trapline::core {

std::int64_t coarse_millis() {
  constexpr std::uint64_t kNanosPerMilli = 1'000'000;
  return static_cast<std::int64_t>(clock_gettime_nsec_np(CLOCK_MONOTONIC_RAW_APPROX) / kNanosPerMilli);
}

}  // namespace trapline::core
