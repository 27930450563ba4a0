#include "collector/accounts/secrets.h"

#include <array>
#include <cstddef>

#include <sodium.h>

#include "sdk/core/hex.h"
#include "sdk/core/random.h"

namespace trapline::collector {

std::string new_secret(std::string_view prefix) {
  constexpr std::size_t kBytes = 32;
  return std::string(prefix) + core::random_hex(kBytes);
}

std::string hash_secret(std::string_view secret) {
  std::array<std::byte, crypto_hash_sha256_BYTES> digest{};
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(digest.data()),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  return core::to_hex(digest);
}

}  // namespace trapline::collector
