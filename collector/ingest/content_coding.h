#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Undoes a body's Content-Encoding: gzip, deflate, br, zstd; the empty value and "identity" mean none, and then
/// nothing is answered, so that no copy is made. Output stops at `max_bytes`. Errors: "unsupported_content_encoding",
/// "inflated_too_large", "invalid_compression" (naming the position).
core::Result<std::optional<std::string>> decode_content(std::string_view content_encoding, std::string_view body,
                                                        std::size_t max_bytes);

}  // namespace trapline::collector
