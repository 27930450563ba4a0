#include "sdk/delivery/signature.h"

#include <array>
#include <cstddef>

#include "sdk/core/hex.h"
#include "sdk/core/random.h"
#include "sdk/delivery/hmac.h"

namespace trapline::sdk {

std::string signature_header(std::string_view secret, std::string_view body, std::int64_t unix_seconds) {
  const std::string time = std::to_string(unix_seconds);
  const std::string nonce = core::random_hex(16);
  const std::array<std::string_view, 5> parts = {time, ".", nonce, ".", body};
  const auto mac = hmac_sha256(secret, parts);
  if (!mac) return {};
  return "X-Trapline-Signature: t=" + time + ",n=" + nonce + ",v1=" + core::to_hex(*mac);
}

}  // namespace trapline::sdk
