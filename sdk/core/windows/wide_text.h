#pragma once

#include <string>
#include <string_view>

namespace trapline::core {

/// Texts of ours are UTF-8; the system's functions take UTF-16. What is damaged becomes U+FFFD.
std::wstring widen(std::string_view text);
std::string narrow(std::wstring_view text);

}  // namespace trapline::core
