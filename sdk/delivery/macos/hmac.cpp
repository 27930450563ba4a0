#include "sdk/delivery/hmac.h"

#include <CommonCrypto/CommonHMAC.h>

namespace trapline::sdk {

/// CommonCrypto is in the system's own library.
std::optional<std::array<std::byte, 32>> hmac_sha256(std::string_view secret, std::span<const std::string_view> parts) {
  CCHmacContext context;
  CCHmacInit(&context, kCCHmacAlgSHA256, secret.data(), secret.size());
  for (const std::string_view part : parts) CCHmacUpdate(&context, part.data(), part.size());
  std::array<std::byte, 32> mac{};
  static_assert(sizeof mac == CC_SHA256_DIGEST_LENGTH);
  CCHmacFinal(&context, mac.data());
  return mac;
}

}  // namespace trapline::sdk
