#include "collector/ingest/store_body.h"

#include <sodium.h>

#include "sdk/core/ascii.h"
#include "sdk/core/gzip.h"

namespace trapline::collector {

core::Result<std::optional<std::string>> decode_store_body(std::string_view body, std::size_t max_bytes) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t start = body.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return core::Error{"invalid_json", "the body is empty, it must be an event"};
  if (body[start] == '{' || body.starts_with(core::kByteOrderMark)) return std::optional<std::string>{};
  std::string bytes(body.size() / 4 * 3 + 3, '\0');
  std::size_t length = 0;
  const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), body.data(),
                                       body.size(), kBlanks.data(), &length, nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (failed != 0) {
    return core::Error{"invalid_json", "the body is neither a JSON object nor base64: it begins with byte " +
                                           std::to_string(static_cast<unsigned char>(body[start]))};
  }
  bytes.resize(length);
  auto json = core::inflate(bytes, core::DeflateFormat::kZlibOrRaw, max_bytes);
  if (!json) return json.error();
  return std::optional<std::string>(std::move(*json));
}

}  // namespace trapline::collector
