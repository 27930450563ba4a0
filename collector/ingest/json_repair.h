#pragma once

#include <string>
#include <string_view>

namespace trapline::collector {

/// Makes text that is nearly JSON into JSON, as published clients send it: invalid UTF-8 and lone surrogate escapes
/// become U+FFFD, raw control characters inside strings become escapes; numbers beyond 64 bits or a double become
/// texts, NaN and infinities null; a byte order mark goes. Anything else stays as it is.
std::string repair_json(std::string_view text);

}  // namespace trapline::collector
