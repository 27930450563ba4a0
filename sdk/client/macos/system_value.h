#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace trapline::sdk {

/// What the kernel has under a name of sysctl(3); empty or nothing when there is no such name.
std::string system_text(const char* name);
std::optional<std::int64_t> system_number(const char* name);

}  // namespace trapline::sdk
