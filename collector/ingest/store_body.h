#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// The event in a body of the store door: JSON, for which nothing is answered (use the body itself), or what the oldest
/// clients send, base64 of zlib of JSON. Told apart by the first byte, as content types there mean nothing. Errors:
/// "invalid_json" when it is neither, "invalid_compression", "inflated_too_large".
core::Result<std::optional<std::string>> decode_store_body(std::string_view body, std::size_t max_bytes);

}  // namespace trapline::collector
