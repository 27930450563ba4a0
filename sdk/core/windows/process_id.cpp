#include "sdk/core/process_id.h"

#include <windows.h>

namespace trapline::core {

std::uint32_t process_id() { return GetCurrentProcessId(); }

}  // namespace trapline::core
