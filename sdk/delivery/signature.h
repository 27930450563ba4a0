#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace trapline::sdk {

/// The header that proves that a body comes from who has the DSN's secret and was not changed on its way:
///
///     X-Trapline-Signature: t=<unix seconds>,n=<16 random bytes, hex>,v1=<hex HMAC-SHA256(secret, t "." n "." body)>
///
/// (HMAC: RFC 2104.) Empty when libsodium, which is loaded for it, is not installed.
std::string signature_header(std::string_view secret, std::string_view body, std::int64_t unix_seconds);

}  // namespace trapline::sdk
