#pragma once

/// sixteen_bytes.h for other processors: one byte after the other.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace trapline::core {

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

}  // namespace trapline::core
