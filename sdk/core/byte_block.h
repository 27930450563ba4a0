#pragma once

/// Looking at 32 bytes of a text at once. Texts in events are short: most end within the first block, so that what
/// follows does not depend on where.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sdk/core/sixteen_bytes.h"

namespace trapline::core {

static_assert(std::endian::native == std::endian::little);

/// Up to 32 bytes, as two parts which overlap where there are fewer.
class ByteBlock {
 public:
  static constexpr std::size_t kBytes = 32;
  static constexpr std::uint32_t kLast = std::uint32_t{1} << (kBytes - 1);

  /// What stands at `at`, which is in the text, as far as the text goes.
  static ByteBlock load(std::string_view text, std::size_t at) {
    const char* const begin = text.data() + at;
    const std::size_t count = std::min(text.size() - at, kBytes);
    if (count >= 16) return {SixteenBytes(begin), SixteenBytes(begin + count - 16), count - 16};
    if (count >= 8) return {SixteenBytes(read<std::uint64_t>(begin)), part<std::uint64_t>(begin, count), count - 8};
    if (count >= 4) return {SixteenBytes(read<std::uint32_t>(begin)), part<std::uint32_t>(begin, count), count - 4};
    const SixteenBytes first(read<std::uint8_t>(begin) | read<std::uint8_t>(begin + count / 2) << (count / 2 * 8));
    return {first, part<std::uint8_t>(begin, count), count - 1};
  }

  /// The bits of bytes for which `ask` says so, the lowest for the first byte. It may not say so of a zero: parts are
  /// filled up with them.
  template <class Ask>
  [[nodiscard]] std::uint32_t where(Ask ask) const {
    return ask(first_).bits() | ask(second_).bits() << second_at_;
  }

 private:
  ByteBlock(SixteenBytes first, SixteenBytes second, std::size_t second_at)
      : first_(first), second_(second), second_at_(static_cast<std::uint32_t>(second_at)) {}

  template <class Number>
  static std::uint64_t read(const char* from) {
    Number number = 0;
    std::memcpy(&number, from, sizeof number);
    return number;
  }
  /// The last bytes of `count`.
  template <class Number>
  static SixteenBytes part(const char* begin, std::size_t count) {
    return SixteenBytes(read<Number>(begin + count - sizeof(Number)));
  }

  SixteenBytes first_;
  SixteenBytes second_;
  std::uint32_t second_at_;
};

}  // namespace trapline::core
