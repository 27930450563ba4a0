#include "sdk/core/process_id.h"

#include <unistd.h>

namespace trapline::core {

std::uint32_t process_id() { return static_cast<std::uint32_t>(getpid()); }

}  // namespace trapline::core
