#pragma once

/// Lower-case hexadecimal, the form of every id, key and build id we write.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace trapline::core {

std::string to_hex(std::span<const std::byte> bytes);

/// The same into memory of the caller's: two characters a byte.
void write_hex(std::span<const std::byte> bytes, char* to);

/// True when the text is one or more of 0-9 and a-f.
bool is_lower_hex(std::string_view text);

}  // namespace trapline::core
