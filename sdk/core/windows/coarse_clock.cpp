#include <windows.h>

#include "sdk/core/clock.h"

namespace trapline::core {

std::int64_t coarse_millis() { return static_cast<std::int64_t>(GetTickCount64()); }

}  // namespace trapline::core
