#include "collector/ingest/content_coding.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include <brotli/decode.h>
#include <libdeflate.h>
#include <zstd.h>

#include "sdk/core/bounded_buffer.h"
#include "sdk/core/gzip.h"

namespace trapline::collector {
namespace {

using core::BoundedBuffer;
using core::Error;
using core::Result;

Error too_large(std::size_t max_bytes) {
  return {"inflated_too_large",
          "decompressed data is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
}

Error damaged(std::string_view coding, std::size_t position, std::string_view reason) {
  return {"invalid_compression",
          std::string(coding) + " data is invalid near byte " + std::to_string(position) + ": " + std::string(reason)};
}

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

struct FreeBrotli {
  void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
};

Result<std::string> decode_brotli(std::string_view body, std::size_t max_bytes) {
  const std::unique_ptr<BrotliDecoderState, FreeBrotli> decoder(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
  if (!decoder) return Error{"out_of_memory", "the brotli decoder could not be made"};
  BoundedBuffer output(max_bytes);
  std::size_t available = body.size();
  const auto* next = reinterpret_cast<const std::uint8_t*>(body.data());
  while (true) {
    const std::span<char> room = output.room();
    std::size_t space = room.size();
    auto* to = reinterpret_cast<std::uint8_t*>(room.data());
    const BrotliDecoderResult state =
        BrotliDecoderDecompressStream(decoder.get(), &available, &next, &space, &to, nullptr);
    output.advance(room.size() - space);
    if (output.is_over()) return too_large(max_bytes);
    const std::size_t position = body.size() - available;
    if (state == BROTLI_DECODER_RESULT_ERROR) {
      return damaged("brotli", position, BrotliDecoderErrorString(BrotliDecoderGetErrorCode(decoder.get())));
    }
    if (state == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return damaged("brotli", position, "it ends too early");
    if (state == BROTLI_DECODER_RESULT_SUCCESS) {
      if (available != 0) return damaged("brotli", position, "bytes follow its end");
      return output.take();
    }
  }
}

struct FreeZstd {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

Result<std::string> decode_zstd(std::string_view body, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DStream, FreeZstd> stream(ZSTD_createDStream());
  if (!stream) return Error{"out_of_memory", "the zstd decoder could not be made"};
  // A frame may ask for a window of gigabytes, allocated at once; RFC 8878 recommends to support 8 MiB.
  constexpr int kMostWindowLog = 23;
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMostWindowLog);
  BoundedBuffer output(max_bytes);
  ZSTD_inBuffer input{body.data(), body.size(), 0};
  while (true) {
    const std::span<char> room = output.room();
    ZSTD_outBuffer to{room.data(), room.size(), 0};
    const std::size_t state = ZSTD_decompressStream(stream.get(), &to, &input);
    output.advance(to.pos);
    if (output.is_over()) return too_large(max_bytes);
    if (ZSTD_isError(state) != 0) return damaged("zstd", input.pos, ZSTD_getErrorName(state));
    const bool is_at_end = input.pos == input.size;
    if (state == 0 && is_at_end) return output.take();
    if (is_at_end && to.pos < to.size) return damaged("zstd", input.pos, "it ends too early");
  }
}

std::string normalised_coding(std::string_view content_encoding) {
  std::string coding;
  for (const char character : content_encoding) {
    if (character == ' ' || character == '\t') continue;
    coding.push_back(character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character);
  }
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
    if (body.size() > max_bytes) return too_large(max_bytes);
    return std::optional<std::string>{};
  }
  if (coding == "gzip" || coding == "x-gzip") {
    if (auto inflated = inflate_quickly(body, max_bytes)) return inflated;
    return as_optional(core::inflate(body, core::DeflateFormat::kGzip, max_bytes));
  }
  if (coding == "deflate") return as_optional(core::inflate(body, core::DeflateFormat::kZlibOrRaw, max_bytes));
  if (coding == "br") return as_optional(decode_brotli(body, max_bytes));
  if (coding == "zstd") return as_optional(decode_zstd(body, max_bytes));
  return Error{"unsupported_content_encoding", "Content-Encoding '" + std::string(content_encoding.substr(0, 40)) +
                                                   "' is not supported: send gzip, deflate, br, zstd or identity"};
}

}  // namespace trapline::collector
