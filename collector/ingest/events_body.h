#pragma once

/// Bodies of POST /v1/events: one event, a JSON array of events, or one event a line (NDJSON).

#include <cstddef>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

enum class EventsFormat {
  kJson,    ///< application/json, or no content type: an object or an array
  kNdjson,  ///< application/x-ndjson
};

/// The format that a Content-Type names; parameters such as a charset are ignored. Errors: "unsupported_content_type".
core::Result<EventsFormat> events_format(std::string_view content_type);

struct SplitEvents {
  std::vector<std::string_view> events;  ///< inside the body
  std::string_view batch_header;         ///< of NDJSON: its first line, when that is one (batch_header.h); else empty
  bool is_batch = true;                  ///< false when the body is one event, not a list with one
};

/// Splits a body into the bytes of its events, without looking into them. Errors: "invalid_json" when an array's own
/// brackets and commas are broken, naming the byte; "too_many_events".
core::Result<SplitEvents> split_events(EventsFormat format, std::string_view body, std::size_t max_events);

}  // namespace trapline::collector
