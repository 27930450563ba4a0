#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace trapline::sdk {

/// HMAC-SHA256 (RFC 2104) of the parts, one after the other, by a library of the system's. Nothing where that is not
/// installed. Any thread.
std::optional<std::array<std::byte, 32>> hmac_sha256(std::string_view secret, std::span<const std::string_view> parts);

}  // namespace trapline::sdk
