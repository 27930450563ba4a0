#pragma once

/// sixteen_bytes.h with SSE2, which every x86-64 processor has.

#include <cstdint>

#include <emmintrin.h>

namespace trapline::core {

class SixteenBytes {
 public:
  explicit SixteenBytes(const char* bytes) : bytes_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes))) {}
  /// Eight, then zeros.
  explicit SixteenBytes(std::uint64_t eight) : bytes_(_mm_cvtsi64_si128(static_cast<std::int64_t>(eight))) {}

  class Places {
   public:
    explicit Places(__m128i places) : places_(places) {}
    Places operator|(Places other) const { return Places(_mm_or_si128(places_, other.places_)); }
    [[nodiscard]] std::uint32_t bits() const { return static_cast<std::uint32_t>(_mm_movemask_epi8(places_)); }

   private:
    __m128i places_;
  };
  [[nodiscard]] Places equal(char c) const { return Places(_mm_cmpeq_epi8(bytes_, _mm_set1_epi8(c))); }
  /// Between two, both of them included.
  [[nodiscard]] Places between(char low, char high) const { return between(bytes_, low, high); }
  [[nodiscard]] Places letters() const { return between(_mm_or_si128(bytes_, _mm_set1_epi8(0x20)), 'a', 'z'); }

 private:
  static Places between(__m128i bytes, char low, char high) {
    const __m128i above_low = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    const __m128i width = _mm_set1_epi8(static_cast<char>(high - low));
    return Places(_mm_cmpeq_epi8(_mm_min_epu8(above_low, width), above_low));
  }
  __m128i bytes_;
};

}  // namespace trapline::core
