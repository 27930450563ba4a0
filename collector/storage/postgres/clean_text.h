#pragma once

#include <string>
#include <string_view>

namespace trapline::collector::postgres {

/// Text as the server takes it: it refuses what is no UTF-8, and has no character 0. U+FFFD stands for those.
std::string clean_text(std::string_view text);

/// Whether the server takes it as it is.
bool is_clean(std::string_view text);

}  // namespace trapline::collector::postgres
