#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

/// An event that may be spooled: a JSON object that parses.
struct CheckedEvent {
  std::string json;        ///< as sent, or repaired (json_repair.h) where its characters were not JSON's
  std::string event_id;    ///< 32 lower-case hex digits; empty when it has none that is one
  bool is_as_sent = true;  ///< not repaired
};

/// Errors: "event_too_large" above `max_bytes`, "invalid_json" naming line and column, "invalid_event" for JSON that is
/// no object.
core::Result<CheckedEvent> check_event(std::string_view json, std::size_t max_bytes);

}  // namespace trapline::collector
