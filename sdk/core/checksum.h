#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace trapline::core {

/// A checksum against torn and damaged bytes, not against people: four independent lanes of multiply and rotate, so
/// that a few kilobytes cost a fraction of a microsecond (zlib's crc32: ten times as much).
inline std::uint64_t fast_checksum(const void* bytes, std::size_t size, std::uint64_t seed) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15ULL;
  constexpr std::size_t kLanes = 4;
  const auto rotate = [](std::uint64_t value) { return (value << 31) | (value >> 33); };
  const auto* at = static_cast<const unsigned char*>(bytes);
  std::uint64_t lanes[kLanes] = {seed ^ kOdd, seed + kOdd, seed ^ size, seed - kOdd};
  std::size_t left = size;
  while (left >= kLanes * sizeof(std::uint64_t)) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::uint64_t word = 0;
      std::memcpy(&word, at + lane * sizeof word, sizeof word);
      lanes[lane] = rotate((lanes[lane] ^ word) * kOdd);
    }
    at += kLanes * sizeof(std::uint64_t);
    left -= kLanes * sizeof(std::uint64_t);
  }
  std::size_t lane = 0;
  while (left > 0) {
    std::uint64_t word = 0;
    const std::size_t part = left < sizeof word ? left : sizeof word;
    std::memcpy(&word, at, part);
    lanes[lane] = rotate((lanes[lane] ^ word) * kOdd);
    lane = (lane + 1) % kLanes;
    at += part;
    left -= part;
  }
  std::uint64_t sum = lanes[0];
  for (lane = 1; lane < kLanes; ++lane) sum = rotate((sum ^ lanes[lane]) * kOdd);
  return sum ^ (sum >> 32);
}

inline std::uint64_t fast_checksum(std::string_view text, std::uint64_t seed) {
  return fast_checksum(text.data(), text.size(), seed);
}

}  // namespace trapline::core
