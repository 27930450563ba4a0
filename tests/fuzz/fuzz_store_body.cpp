/// Whatever the store door gets, the output stays within its limit.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "collector/ingest/auth.h"
#include "collector/ingest/store_body.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trapline::collector;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto decoded = decode_store_body(body, 100'000);
  if (decoded && decoded->has_value() && (*decoded)->size() > 100'000) std::abort();
  const auto key = find_key({.x_sentry_auth = body, .query_key = {}, .authorization = body});
  if (key && *key && (*key)->size() != 32) std::abort();
  return 0;
}
