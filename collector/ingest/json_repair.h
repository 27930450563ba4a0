#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// Makes text that is JSON but for its characters into JSON: invalid UTF-8 and lone surrogate escapes become U+FFFD,
/// raw control characters inside strings become escapes. Published clients send all three. Anything else stays as it
/// is.
std::string repair_json(std::string_view text);

}  // namespace trapline::collector
