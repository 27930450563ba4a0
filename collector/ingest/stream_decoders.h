#pragma once

/// Decompressors that write piece by piece into a bounded buffer and stop when it is over its limit, whatever the data
/// announces and however much of it is left.

#include <cstddef>
#include <string_view>

#include "sdk/core/bounded_buffer.h"
#include "sdk/core/result.h"

namespace trapline::collector {

core::Error inflated_too_large(std::size_t max_bytes);

/// One stream (RFC 7932) that is all of `body`. Errors: "inflated_too_large", "invalid_compression", naming the
/// position. Beside the output, a decoder of 16 MiB at most.
core::Status decode_brotli(std::string_view body, core::BoundedBuffer& output);

/// Frames (RFC 8878) one after the other, with windows of 8 MiB at most. Errors as above.
core::Status decode_zstd(std::string_view body, core::BoundedBuffer& output);

}  // namespace trapline::collector
