#pragma once

#include <cstdint>
#include <string>

namespace trapline::core {

/// Tells a file from another one that came to be under the same path. 0: there is none, or the system does not tell.
std::uint64_t file_identity(const std::string& path);

}  // namespace trapline::core
