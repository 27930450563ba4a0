#pragma once

/// Looking at eight bytes at once, in plain arithmetic (H. S. Warren, "Hacker's Delight", chapter 6). Little-endian
/// machines only, as all that we build for.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace trapline::core::swar {

static_assert(std::endian::native == std::endian::little);

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighs = 0x8080808080808080ULL;
constexpr std::size_t kBytes = sizeof(std::uint64_t);

inline std::uint64_t load(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// High bits where a byte is `c`. Above the first such byte there may be wrong ones.
constexpr std::uint64_t equal_to(std::uint64_t word, char c) {
  const std::uint64_t difference = word ^ (kOnes * static_cast<unsigned char>(c));
  return (difference - kOnes) & ~difference & kHighs;
}

/// High bits where a byte is below `limit` (1 to 128). Above the first such byte there may be wrong ones.
constexpr std::uint64_t below(std::uint64_t word, unsigned char limit) {
  return (word - kOnes * limit) & ~word & kHighs;
}

/// The index of the first byte whose high bit is set.
constexpr std::size_t first(std::uint64_t highs) { return static_cast<std::size_t>(std::countr_zero(highs)) / 8; }

}  // namespace trapline::core::swar
