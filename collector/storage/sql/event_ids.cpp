#include "collector/storage/sql/event_ids.h"

#include <span>

#include "collector/storage/time_span.h"
#include "sdk/core/hex.h"
#include "sdk/core/timestamp.h"

namespace trapline::collector::sql {
namespace {

constexpr std::size_t kIdBytes = 16;

unsigned digit(char c) { return static_cast<unsigned>(c >= 'a' ? c - 'a' + 10 : c - '0'); }

}  // namespace

std::string day_text(std::int64_t day) { return core::format_timestamp(day * kDayMs).substr(0, 10); }

std::string event_id_bytes(std::string_view event_id) {
  if (event_id.size() != 2 * kIdBytes || !core::is_lower_hex(event_id)) return std::string(event_id);
  std::string bytes(kIdBytes, '\0');
  for (std::size_t index = 0; index < kIdBytes; ++index) {
    bytes[index] = static_cast<char>(digit(event_id[2 * index]) << 4U | digit(event_id[2 * index + 1]));
  }
  return bytes;
}

std::string event_id_text(std::string_view bytes) {
  if (bytes.size() != kIdBytes) return std::string(bytes);
  return core::to_hex(std::as_bytes(std::span(bytes)));
}

}  // namespace trapline::collector::sql
