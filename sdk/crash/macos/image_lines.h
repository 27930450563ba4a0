#pragma once

/// The modules of a crashed process, as text in its recorder: "<begin> <end> <uuid> <path>", a line each, numbers in
/// hexadecimal without leading zeros, the uuid "-" where there is none.

#include <cstdint>
#include <optional>
#include <string_view>

#include "sdk/stack/macos/macho_image.h"

namespace trapline::sdk {

/// Appends a line; answers the bytes, 0 when there is no room for all of it. No lock, no memory.
std::size_t write_image_line(char* to, std::size_t room, std::uintptr_t begin, const MachoImage& image,
                             std::string_view path);

struct ImageLine {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::string_view uuid;  ///< hex; empty: it has none
  std::string_view path;
};
/// Nothing when it is no such line.
std::optional<ImageLine> parse_image_line(std::string_view line);

}  // namespace trapline::sdk
