/// Whatever is decompressed, the output stays within its limit.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sdk/core/gzip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trapline::core;
  constexpr std::size_t kLimit = 100'000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const DeflateFormat format : {DeflateFormat::kGzip, DeflateFormat::kZlibOrRaw}) {
    const auto text = inflate(bytes, format, kLimit);
    if (text && text->size() > kLimit) std::abort();
  }
  const auto back = inflate(gzip(bytes, 1), DeflateFormat::kGzip, size);
  if (!back || *back != bytes) std::abort();
  return 0;
}
