#pragma once

/// Looking at 32 bytes of a text at once, with what every x86-64 and 64-bit Arm processor has; one byte after the other
/// elsewhere. Texts in events are short: most end within the first block, so that what follows does not depend on
/// where.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__) && defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace trapline::core {

/// Of 16 bytes, which are what is asked for: bits, the lowest for the first byte.
#if defined(__SSE2__) && defined(__x86_64__)
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
#elif defined(__ARM_NEON) && defined(__aarch64__)
class SixteenBytes {
 public:
  explicit SixteenBytes(const char* bytes) : bytes_(vld1q_u8(reinterpret_cast<const std::uint8_t*>(bytes))) {}
  /// Eight, then zeros.
  explicit SixteenBytes(std::uint64_t eight) : bytes_(vcombine_u8(vcreate_u8(eight), vcreate_u8(0))) {}

  class Places {
   public:
    explicit Places(uint8x16_t places) : places_(places) {}
    Places operator|(Places other) const { return Places(vorrq_u8(places_, other.places_)); }
    [[nodiscard]] std::uint32_t bits() const {
      constexpr std::array<std::uint8_t, 16> kBits = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
      const uint8x16_t bits = vandq_u8(places_, vld1q_u8(kBits.data()));
      return std::uint32_t{vaddv_u8(vget_low_u8(bits))} | std::uint32_t{vaddv_u8(vget_high_u8(bits))} << 8U;
    }

   private:
    uint8x16_t places_;
  };
  [[nodiscard]] Places equal(char c) const {
    return Places(vceqq_u8(bytes_, vdupq_n_u8(static_cast<std::uint8_t>(c))));
  }
  /// Between two, both of them included.
  [[nodiscard]] Places between(char low, char high) const { return between(bytes_, low, high); }
  [[nodiscard]] Places letters() const { return between(vorrq_u8(bytes_, vdupq_n_u8(0x20)), 'a', 'z'); }

 private:
  static Places between(uint8x16_t bytes, char low, char high) {
    const uint8x16_t above_low = vsubq_u8(bytes, vdupq_n_u8(static_cast<std::uint8_t>(low)));
    return Places(vcleq_u8(above_low, vdupq_n_u8(static_cast<std::uint8_t>(high - low))));
  }
  uint8x16_t bytes_;
};
#else
class SixteenBytes {
 public:
  explicit SixteenBytes(const char* bytes) { std::memcpy(bytes_.data(), bytes, bytes_.size()); }
  /// Eight, then zeros.
  explicit SixteenBytes(std::uint64_t eight) { std::memcpy(bytes_.data(), &eight, sizeof eight); }

  class Places {
   public:
    explicit Places(std::uint32_t places) : places_(places) {}
    Places operator|(Places other) const { return Places(places_ | other.places_); }
    [[nodiscard]] std::uint32_t bits() const { return places_; }

   private:
    std::uint32_t places_;
  };
  [[nodiscard]] Places equal(char c) const { return between(c, c); }
  /// Between two, both of them included.
  [[nodiscard]] Places between(char low, char high) const { return between(low, high, 0); }
  [[nodiscard]] Places letters() const { return between('a', 'z', 0x20); }

 private:
  [[nodiscard]] Places between(char low, char high, unsigned char set) const {
    std::uint32_t places = 0;
    for (std::size_t index = 0; index < bytes_.size(); ++index) {
      const auto above_low = static_cast<unsigned char>((bytes_[index] | set) - low);
      places |= std::uint32_t{above_low <= static_cast<unsigned char>(high - low)} << index;
    }
    return Places(places);
  }
  std::array<unsigned char, 16> bytes_{};
};
#endif

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
