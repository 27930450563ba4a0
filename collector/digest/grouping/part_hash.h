#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <sodium.h>

#include "sdk/core/hex.h"

namespace trapline::collector {

/// BLAKE2b (RFC 7693) over parts that cannot run into each other.
class PartHash {
 public:
  /// With a key, of 16 to 64 bytes, nobody without it can tell what was hashed by trying.
  explicit PartHash(std::span<const unsigned char> key = {}) {
    crypto_generichash_init(&state_, key.data(), key.size(), kBytes);
  }

  void add(std::string_view part) {
    const std::uint64_t length = part.size();
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(&length), sizeof length);
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(part.data()), part.size());
  }

  /// 32 hex digits.
  std::string finish() {
    std::array<std::byte, kBytes> digest{};
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(digest.data()), digest.size());
    return core::to_hex(digest);
  }

 private:
  static constexpr std::size_t kBytes = 16;
  crypto_generichash_state state_{};
};

}  // namespace trapline::collector
