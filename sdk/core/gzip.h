#pragma once

/// Gzip (RFC 1952), zlib (RFC 1950) and raw deflate (RFC 1951) over zlib. Inflating is bounded by the caller: output
/// past the limit is never produced, so a compression bomb costs no memory.

#include <cstddef>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::core {

/// `level` is zlib's, 1 (fast) to 9 (small). Any size of input.
std::string gzip(std::string_view bytes, int level = 6);

/// The compressed forms that a sender may mean by "gzip" and "deflate".
enum class DeflateFormat {
  kGzip,
  kZlibOrRaw,  ///< "deflate" in HTTP is zlib by the standard and raw deflate in some clients: told apart by the header
};

/// Decompresses the whole of `bytes`. Several gzip members in a row are one stream, as RFC 1952 has it. Errors:
/// "inflated_too_large" when the output would pass `max_bytes`; "invalid_compression" when the stream is damaged or cut
/// short, naming the position.
Result<std::string> inflate(std::string_view bytes, DeflateFormat format, std::size_t max_bytes);

}  // namespace trapline::core
