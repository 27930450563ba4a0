/// Bodies that would inflate to a thousand times their size and more: what they cost is counted in bytes.

#include <string>

#include <brotli/encode.h>
#include <doctest/doctest.h>
#include <zstd.h>

#include "collector/ingest/content_coding.h"
#include "collector/ingest/stream_decoders.h"
#include "sdk/core/gzip.h"

using namespace trapline::collector;
using trapline::core::BoundedBuffer;
using trapline::core::Status;

namespace {

constexpr std::size_t kBombBytes = std::size_t{64} << 20;
constexpr std::size_t kLimit = std::size_t{1} << 20;

std::string brotli(const std::string& bytes) {
  std::string packed(BrotliEncoderMaxCompressedSize(bytes.size()), '\0');
  std::size_t size = packed.size();
  REQUIRE(BrotliEncoderCompress(5, BROTLI_DEFAULT_WINDOW, BROTLI_DEFAULT_MODE, bytes.size(),
                                reinterpret_cast<const std::uint8_t*>(bytes.data()), &size,
                                reinterpret_cast<std::uint8_t*>(packed.data())) == BROTLI_TRUE);
  packed.resize(size);
  return packed;
}

std::string zstd(const std::string& bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3);
  REQUIRE(ZSTD_isError(size) == 0);
  packed.resize(size);
  return packed;
}

std::string repeated(const std::string& one, int times) {
  std::string all;
  for (int time = 0; time < times; ++time) all += one;
  return all;
}

void check_refused(Status (*decode)(std::string_view, BoundedBuffer&), const std::string& bomb) {
  for (const std::size_t limit : {std::size_t{0}, std::size_t{100}, kLimit}) {
    CAPTURE(limit);
    BoundedBuffer output(limit);
    const Status status = decode(bomb, output);
    REQUIRE_FALSE(status);
    CHECK(status.error().code == "inflated_too_large");
    // Not one byte more is made than tells that it is too much, however much there is to come.
    CHECK(output.written() == limit + 1);
    CHECK(output.allocated() <= 2 * limit + 1024);  // a string grows to twice its length
  }
}

}  // namespace

TEST_CASE("a brotli bomb is refused at the first byte over the limit") {
  const std::string bomb = brotli(std::string(kBombBytes, 'x'));
  CHECK(bomb.size() < kBombBytes / 10'000);
  check_refused(decode_brotli, bomb);
  CHECK(decode_content("br", bomb, kLimit).error().code == "inflated_too_large");
}

TEST_CASE("a zstd bomb is refused at the first byte over the limit, in one frame or in many") {
  const std::string bomb = zstd(std::string(kBombBytes, 'x'));
  CHECK(bomb.size() < kBombBytes / 5'000);
  check_refused(decode_zstd, bomb);
  check_refused(decode_zstd, repeated(zstd(std::string(100'000, 'x')), 600));
  CHECK(decode_content("zstd", bomb, kLimit).error().code == "inflated_too_large");
}

TEST_CASE("a zstd frame that asks for a window of two gigabytes is refused before it gets one") {
  // Magic number, a descriptor without anything, a window of 2^31 bytes, and a block of one byte a million times.
  const std::string frame = std::string("\x28\xB5\x2F\xFD\x00\xA8", 6) + std::string("\x03\x09\x3D", 3) + "x";
  BoundedBuffer output(kLimit);
  const Status status = decode_zstd(frame, output);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == "invalid_compression");
  CHECK(status.error().message.find("memory") != std::string::npos);
  CHECK(output.written() == 0);
}

TEST_CASE("what is exactly as large as the limit is no bomb") {
  const std::string bytes(kLimit, 'x');
  for (const auto& [coding, body] : {std::pair{"br", brotli(bytes)}, std::pair{"zstd", zstd(bytes)},
                                     std::pair{"gzip", trapline::core::gzip(bytes)}}) {
    CAPTURE(coding);
    const auto decoded = decode_content(coding, body, kLimit);
    REQUIRE(decoded);
    CHECK(**decoded == bytes);
    CHECK(decode_content(coding, body, kLimit - 1).error().code == "inflated_too_large");
  }
}
