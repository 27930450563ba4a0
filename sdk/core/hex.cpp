#include "sdk/core/hex.h"

#include <algorithm>

namespace trapline::core {

void write_hex(std::span<const std::byte> bytes, char* to) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::byte byte : bytes) {
    *to++ = kDigits[std::to_integer<unsigned>(byte) >> 4];
    *to++ = kDigits[std::to_integer<unsigned>(byte) & 0x0F];
  }
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text(bytes.size() * 2, '\0');
  write_hex(bytes, text.data());
  return text;
}

bool is_lower_hex(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char character) {
    return (character >= '0' && character <= '9') || (character >= 'a' && character <= 'f');
  });
}

}  // namespace trapline::core
