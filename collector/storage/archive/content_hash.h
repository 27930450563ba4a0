#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// In lower-case hex digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace trapline::collector
