#pragma once

#include <cstdint>

namespace trapline::core {

/// The calling process's, as the system counts.
std::uint32_t process_id();

}  // namespace trapline::core
