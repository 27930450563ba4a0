#pragma once

/// sixteen_bytes.h with NEON, which every 64-bit Arm processor has.

#include <array>
#include <cstdint>

#include <arm_neon.h>

namespace trapline::core {

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

}  // namespace trapline::core
