/// Every item of an envelope lies inside the body it was read from.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/ingest/content_coding.h"
#include "collector/ingest/envelope_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trapline::collector;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (const auto envelope = parse_envelope(body)) {
    for (const EnvelopeItem& item : envelope->items) {
      const bool is_inside = item.payload.empty() || (item.payload.data() >= body.data() &&
                                                      item.payload.data() + item.payload.size() <= body.data() + size);
      if (!is_inside) std::abort();
    }
  }
  for (const char* coding : {"br", "zstd"}) {
    const auto decoded = decode_content(coding, body, 100'000);
    if (decoded && (*decoded)->size() > 100'000) std::abort();
  }
  return 0;
}
