#include "collector/storage/sqlite/payload_codec.h"

#include <memory>
#include <stdexcept>

#include <zstd.h>

namespace trapline::collector::sqlite {
namespace {

constexpr int kLevel = 1;
/// Far above any event that the doors let in; a damaged header must not make us allocate what it claims.
constexpr unsigned long long kMostBytes = 1ULL << 30;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

std::string pack_payload(std::string_view json) {
  // Contexts hold hundreds of kilobytes of tables: made once a thread, not once an event.
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  std::string packed(ZSTD_compressBound(json.size()), '\0');
  const std::size_t size =
      ZSTD_compressCCtx(context.get(), packed.data(), packed.size(), json.data(), json.size(), kLevel);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  packed.resize(size);
  return packed;
}

std::string unpack_payload(std::string_view packed) {
  thread_local std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  const unsigned long long claimed = ZSTD_getFrameContentSize(packed.data(), packed.size());
  if (claimed > kMostBytes) throw std::runtime_error("a stored payload is damaged: its zstd header makes no sense");
  std::string json(claimed, '\0');
  const std::size_t size = ZSTD_decompressDCtx(context.get(), json.data(), json.size(), packed.data(), packed.size());
  if (ZSTD_isError(size) != 0) {
    throw std::runtime_error(std::string("a stored payload is damaged: ") + ZSTD_getErrorName(size));
  }
  json.resize(size);
  return json;
}

}  // namespace trapline::collector::sqlite
