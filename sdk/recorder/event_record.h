#pragma once

/// What the payload of an event's record begins with; rows of fields (fields.h) follow. Later fields stand instead of
/// earlier ones of the same kind and key.

#include <array>
#include <cstdint>

#include "sdk/core/clock.h"

namespace trapline::sdk {

using EventIdBytes = std::array<std::uint8_t, 16>;

/// Makes random bytes a UUID (RFC 9562).
inline void make_version_4(EventIdBytes& id) {
  id[6] = static_cast<std::uint8_t>((id[6] & 0x0FU) | 0x40U);
  id[8] = static_cast<std::uint8_t>((id[8] & 0x3FU) | 0x80U);
}

struct EventHead {
  EventIdBytes id{};
  core::UnixMillis timestamp = 0;
  std::uint64_t thread_id = 0;
  std::uint8_t level = 0;  ///< trapline_level
  std::uint8_t is_handled = 1;
  std::uint8_t is_held = 0;  ///< waits for the end of its window (sdk/client/repeat_table.h)
  std::uint8_t unused = 0;
  std::uint32_t unused_too = 0;
};
static_assert(sizeof(EventHead) == 40);

}  // namespace trapline::sdk
