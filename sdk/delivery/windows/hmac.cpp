#include "sdk/delivery/hmac.h"

#include <windows.h>
#include <bcrypt.h>

namespace trapline::sdk {

std::optional<std::array<std::byte, 32>> hmac_sha256(std::string_view secret, std::span<const std::string_view> parts) {
  BCRYPT_ALG_HANDLE algorithm = nullptr;
  if (BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, nullptr, BCRYPT_ALG_HANDLE_HMAC_FLAG) < 0)
    return std::nullopt;
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<PUCHAR>(const_cast<char*>(text.data()));  // the function only reads
  };
  std::array<std::byte, 32> mac{};
  BCRYPT_HASH_HANDLE hash = nullptr;
  bool is_done =
      BCryptCreateHash(algorithm, &hash, nullptr, 0, bytes(secret), static_cast<ULONG>(secret.size()), 0) >= 0;
  for (const std::string_view part : parts)
    is_done = is_done && BCryptHashData(hash, bytes(part), static_cast<ULONG>(part.size()), 0) >= 0;
  is_done = is_done && BCryptFinishHash(hash, reinterpret_cast<PUCHAR>(mac.data()), sizeof mac, 0) >= 0;
  if (hash != nullptr) BCryptDestroyHash(hash);
  BCryptCloseAlgorithmProvider(algorithm, 0);
  return is_done ? std::optional(mac) : std::nullopt;
}

}  // namespace trapline::sdk
