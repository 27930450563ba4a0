#include "collector/storage/archive/content_hash.h"

#include <array>
#include <span>

#include <sodium.h>

#include "sdk/core/hex.h"

namespace trapline::collector {

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return core::to_hex(std::as_bytes(std::span(hash)));
}

}  // namespace trapline::collector
