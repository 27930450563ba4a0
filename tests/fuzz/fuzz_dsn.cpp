/// Any text is a DSN or an error; what is read is written as it was.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sdk/core/dsn.h"
#include "sdk/core/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto dsn = trapline::core::parse_dsn(text);
  if (dsn && trapline::core::parse_dsn(dsn->to_string())->to_string() != dsn->to_string()) std::abort();
  if (const auto time = trapline::core::parse_timestamp(text)) {
    if (trapline::core::parse_timestamp(trapline::core::format_timestamp(*time)).value_or(0) != *time) std::abort();
  }
  return 0;
}
