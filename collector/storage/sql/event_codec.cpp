#include "collector/storage/sql/event_codec.h"

#include <cstring>
#include <limits>
#include <memory>
#include <stdexcept>

#include <nlohmann/json.hpp>
#include <zstd.h>

namespace trapline::collector::sql {
namespace {

constexpr char kFormat = 1;
/// For events before there is a dictionary.
constexpr int kLevelWithoutDictionary = 1;
/// Far above any event that the doors let in; a damaged header must not make us allocate what it claims.
constexpr unsigned long long kMostBytes = 1ULL << 30;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

[[noreturn]] void fail(const std::string& why) { throw std::runtime_error("a stored event is damaged: " + why); }

// Contexts hold hundreds of kilobytes of tables: made once a thread, not once an event.
ZSTD_CCtx* compressor() {
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> kContext(ZSTD_createCCtx());
  return kContext.get();
}
ZSTD_DCtx* decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> kContext(ZSTD_createDCtx());
  return kContext.get();
}

void add_number(std::string& to, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7U) to += static_cast<char>(number | 0x80U);
  to += static_cast<char>(number);
}
void add_text(std::string& to, std::string_view text) {
  add_number(to, text.size());
  to += text;
}

/// Reads what the above wrote, front to back.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      number |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) return number;
    }
    fail("a number does not end");
  }
  std::string text() {
    const std::uint64_t size = number();
    if (size > bytes_.size()) fail("a text is longer than what there is");
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  [[nodiscard]] std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

void decompress(std::string_view frame, const PayloadDictionary* dictionary, std::string& into) {
  const unsigned long long claimed = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (claimed > kMostBytes) fail("its zstd header makes no sense");
  into.resize(claimed);
  const std::size_t size =
      dictionary != nullptr ? ZSTD_decompress_usingDDict(decompressor(), into.data(), into.size(), frame.data(),
                                                         frame.size(), dictionary->decompressing())
                            : ZSTD_decompressDCtx(decompressor(), into.data(), into.size(), frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) fail(ZSTD_getErrorName(size));
  into.resize(size);
}

}  // namespace

std::string pack_event(const DigestedEvent& event, const PayloadDictionary* dictionary) {
  thread_local std::string plain;
  plain.clear();
  plain.reserve(event.payload.size() + 1024);
  add_number(plain, static_cast<std::uint64_t>(event.timestamp));
  add_number(plain, static_cast<std::uint64_t>(event.level));
  for (const std::string* text :
       {&event.platform, &event.environment, &event.release, &event.transaction, &event.server_name, &event.user,
        &event.title, &event.type, &event.value, &event.culprit}) {
    add_text(plain, *text);
  }
  add_number(plain, event.tags.size());
  for (const auto& [key, value] : event.tags) {
    add_text(plain, key);
    add_text(plain, value);
  }
  plain += event.payload;

  thread_local std::string packed;
  const std::size_t most = 1 + ZSTD_compressBound(plain.size());
  if (packed.size() < most) packed.resize(most);
  packed.front() = kFormat;
  const std::size_t size = dictionary != nullptr
                               ? ZSTD_compress_usingCDict(compressor(), packed.data() + 1, packed.size() - 1,
                                                          plain.data(), plain.size(), dictionary->compressing())
                               : ZSTD_compressCCtx(compressor(), packed.data() + 1, packed.size() - 1, plain.data(),
                                                   plain.size(), kLevelWithoutDictionary);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  // A copy of the right size: thousands of these wait for their transaction.
  return packed.substr(0, 1 + size);
}

std::uint32_t dictionary_of(std::string_view packed) {
  if (packed.empty() || packed.front() != kFormat) return 0;
  return ZSTD_getDictID_fromFrame(packed.data() + 1, packed.size() - 1);
}

void unpack_event(std::string_view packed, const PayloadDictionary* dictionary, bool with_payload,
                  DigestedEvent& event) {
  if (packed.empty() || packed.front() != kFormat) fail("its format is unknown");
  thread_local std::string plain;
  decompress(packed.substr(1), dictionary, plain);
  Reader reader(plain);
  event.timestamp = static_cast<UnixMillis>(reader.number());
  event.level = static_cast<Level>(reader.number());
  for (std::string* text : {&event.platform, &event.environment, &event.release, &event.transaction, &event.server_name,
                            &event.user, &event.title, &event.type, &event.value, &event.culprit}) {
    *text = reader.text();
  }
  for (std::uint64_t left = reader.number(); left > 0; --left) {
    std::string key = reader.text();
    event.tags.emplace_back(std::move(key), reader.text());
  }
  if (with_payload) event.payload = reader.rest();
}

void unpack_event_of_schema_1(std::string_view packed, std::string_view summary, bool with_payload,
                              DigestedEvent& event) {
  const auto fields = nlohmann::json::parse(summary);
  event.timestamp = fields.at(0);
  event.level = static_cast<Level>(fields.at(1).get<int>());
  std::size_t index = 2;
  for (std::string* text : {&event.platform, &event.environment, &event.release, &event.transaction, &event.server_name,
                            &event.user, &event.title, &event.type, &event.value, &event.culprit}) {
    *text = fields.at(index++);
  }
  for (const auto& tag : fields.at(index)) event.tags.emplace_back(tag.at(0), tag.at(1));
  if (with_payload) decompress(packed, nullptr, event.payload);
}

std::string pack_bytes(std::string_view bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(compressor(), packed.data(), packed.size(), bytes.data(), bytes.size(),
                                             kLevelWithoutDictionary);
  if (ZSTD_isError(size) != 0) throw std::runtime_error(std::string("zstd: ") + ZSTD_getErrorName(size));
  packed.resize(size);
  return packed;
}

std::string unpack_bytes(std::string_view packed) {
  std::string bytes;
  decompress(packed, nullptr, bytes);
  return bytes;
}

}  // namespace trapline::collector::sql
