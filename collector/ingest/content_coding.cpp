#include "collector/ingest/content_coding.h"

#include <algorithm>
#include <cstdint>
#include <memory>

#include <libdeflate.h>

#include "collector/ingest/stream_decoders.h"
#include "sdk/core/ascii.h"
#include "sdk/core/bounded_buffer.h"
#include "sdk/core/gzip.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;

struct FreeDeflate {
  void operator()(libdeflate_decompressor* decompressor) const { libdeflate_free_decompressor(decompressor); }
};

/// A gzip body the quick way: its last four bytes tell how long it will be, and libdeflate inflates it in one go, in 7
/// us for an event where zlib takes 15. Nothing for all that is not simply one whole gzip member within the limit: zlib
/// looks at that again, and says what is wrong.
std::optional<std::string> inflate_quickly(std::string_view body, std::size_t max_bytes) {
  constexpr std::size_t kSmallestGzip = 18;
  constexpr std::size_t kMostRatio = 1'032;  // what deflate can reach: a longer announcement is a lie
  if (body.size() < kSmallestGzip) return std::nullopt;
  std::size_t length = 0;
  for (std::size_t byte = 0; byte < 4; ++byte) {
    length |= std::size_t{static_cast<unsigned char>(body[body.size() - 4 + byte])} << (8 * byte);
  }
  if (length == 0 || length > max_bytes || length / kMostRatio > body.size()) return std::nullopt;
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDeflate> kDecompressor(
      libdeflate_alloc_decompressor());
  if (!kDecompressor) return std::nullopt;
  std::string output(length, '\0');
  std::size_t read = 0;
  std::size_t written = 0;
  const libdeflate_result result = libdeflate_gzip_decompress_ex(kDecompressor.get(), body.data(), body.size(),
                                                                 output.data(), output.size(), &read, &written);
  if (result != LIBDEFLATE_SUCCESS || read != body.size() || written != length) return std::nullopt;
  return output;
}

/// What one of the streaming decoders writes.
template <class Decode>
Result<std::optional<std::string>> decode_bounded(Decode decode, std::string_view body, std::size_t max_bytes) {
  core::BoundedBuffer output(max_bytes);
  if (core::Status status = decode(body, output); !status) return status.error();
  return std::optional<std::string>(output.take());
}

std::string normalised_coding(std::string_view content_encoding) {
  std::string coding = core::to_lower(content_encoding);
  std::erase_if(coding, [](char character) { return character == ' ' || character == '\t'; });
  return coding;
}

Result<std::optional<std::string>> as_optional(Result<std::string> decoded) {
  if (!decoded) return decoded.error();
  return std::optional<std::string>(std::move(*decoded));
}

}  // namespace

Result<std::optional<std::string>> decode_content(std::string_view content_encoding, std::string_view body,
                                                  std::size_t max_bytes) {
  const std::string coding = normalised_coding(content_encoding);
  if (coding.empty() || coding == "identity") {
    if (body.size() > max_bytes) return inflated_too_large(max_bytes);
    return std::optional<std::string>{};
  }
  if (coding == "gzip" || coding == "x-gzip") {
    if (auto inflated = inflate_quickly(body, max_bytes)) return inflated;
    return as_optional(core::inflate(body, core::DeflateFormat::kGzip, max_bytes));
  }
  if (coding == "deflate") return as_optional(core::inflate(body, core::DeflateFormat::kZlibOrRaw, max_bytes));
  if (coding == "br") return decode_bounded(decode_brotli, body, max_bytes);
  if (coding == "zstd") return decode_bounded(decode_zstd, body, max_bytes);
  return Error{"unsupported_content_encoding", "Content-Encoding '" + std::string(content_encoding.substr(0, 40)) +
                                                   "' is not supported: send gzip, deflate, br, zstd or identity"};
}

}  // namespace trapline::collector
