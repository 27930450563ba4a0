#include "collector/ingest/stream_decoders.h"

#include <cstdint>
#include <memory>
#include <span>

#include <brotli/decode.h>
#include <zstd.h>

namespace trapline::collector {
namespace {

using core::BoundedBuffer;
using core::Error;
using core::Status;

Error damaged(std::string_view coding, std::size_t position, std::string_view reason) {
  return {"invalid_compression",
          std::string(coding) + " data is invalid near byte " + std::to_string(position) + ": " + std::string(reason)};
}

struct FreeBrotli {
  void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
};

struct FreeZstd {
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

}  // namespace

Error inflated_too_large(std::size_t max_bytes) {
  return {"inflated_too_large",
          "decompressed data is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
}

Status decode_brotli(std::string_view body, BoundedBuffer& output) {
  const std::unique_ptr<BrotliDecoderState, FreeBrotli> decoder(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr));
  if (!decoder) return Error{"out_of_memory", "the brotli decoder could not be made"};
  std::size_t available = body.size();
  const auto* next = reinterpret_cast<const std::uint8_t*>(body.data());
  while (true) {
    const std::span<char> room = output.room();
    std::size_t space = room.size();
    auto* to = reinterpret_cast<std::uint8_t*>(room.data());
    const BrotliDecoderResult state =
        BrotliDecoderDecompressStream(decoder.get(), &available, &next, &space, &to, nullptr);
    output.advance(room.size() - space);
    if (output.is_over()) return inflated_too_large(output.max_bytes());
    const std::size_t position = body.size() - available;
    if (state == BROTLI_DECODER_RESULT_ERROR) {
      return damaged("brotli", position, BrotliDecoderErrorString(BrotliDecoderGetErrorCode(decoder.get())));
    }
    if (state == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return damaged("brotli", position, "it ends too early");
    if (state == BROTLI_DECODER_RESULT_SUCCESS) {
      if (available != 0) return damaged("brotli", position, "bytes follow its end");
      return {};
    }
  }
}

Status decode_zstd(std::string_view body, BoundedBuffer& output) {
  const std::unique_ptr<ZSTD_DStream, FreeZstd> stream(ZSTD_createDStream());
  if (!stream) return Error{"out_of_memory", "the zstd decoder could not be made"};
  // A frame may ask for a window of gigabytes, allocated at once; RFC 8878 recommends to support 8 MiB.
  constexpr int kMostWindowLog = 23;
  ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kMostWindowLog);
  ZSTD_inBuffer input{body.data(), body.size(), 0};
  while (true) {
    const std::span<char> room = output.room();
    ZSTD_outBuffer to{room.data(), room.size(), 0};
    const std::size_t state = ZSTD_decompressStream(stream.get(), &to, &input);
    output.advance(to.pos);
    if (output.is_over()) return inflated_too_large(output.max_bytes());
    if (ZSTD_isError(state) != 0) return damaged("zstd", input.pos, ZSTD_getErrorName(state));
    const bool is_at_end = input.pos == input.size;
    if (state == 0 && is_at_end) return {};
    if (is_at_end && to.pos < to.size) return damaged("zstd", input.pos, "it ends too early");
  }
}

}  // namespace trapline::collector
