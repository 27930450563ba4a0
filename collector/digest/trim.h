#pragma once

#include <optional>
#include <string>

#include <simdjson.h>

#include "sdk/core/json_outline.h"

namespace trapline::collector {

/// What an event may hold, at most; what is over is cut, with a note in `_meta` that says how much there was.
struct TrimLimits {
  std::size_t message_bytes = 65'536;  ///< messages and exceptions' values
  std::size_t text_bytes = 16'384;     ///< any other text
  std::size_t tag_bytes = 200;         ///< a tag's value
  std::size_t frames = 250;            ///< of one stack: the first and the last half are kept
  std::size_t breadcrumbs = 100;       ///< the last are kept
  std::size_t elements = 1'000;        ///< of any other list or object
  std::size_t depth = 40;
  std::size_t event_bytes = 524'288;  ///< over it, whole parts go: extra, breadcrumbs, modules, threads, request data
};

/// The event within the limits, or nothing when it is already. Looking costs a few microseconds, and hardly anything
/// where the event's outline is known: it may be that before some strings were replaced and `_meta` was added.
/// Notes are as https://develop.sentry.dev/sdk/foundations/envelopes/event-payloads/#meta-data has them.
std::optional<std::string> trim_event(const simdjson::dom::object& event, std::size_t event_bytes,
                                      const core::JsonOutline* outline = nullptr, const TrimLimits& limits = {});

}  // namespace trapline::collector
