#pragma once

/// RFC 3339 timestamps (https://www.rfc-editor.org/rfc/rfc3339), the only textual form of time on our wire.

#include <optional>
#include <string>
#include <string_view>

#include "sdk/core/clock.h"

namespace trapline::core {

/// "2026-11-21T09:30:00.125Z": UTC, always three decimals. Times outside the years 1 to 9999 are clamped to them.
std::string format_timestamp(UnixMillis time);

/// Reads what event senders write: RFC 3339 with any number of decimals (cut to milliseconds), `T`, `t` or a space in
/// the middle, `Z` or an offset; a missing zone means UTC, as old clients leave it out. Nothing for anything else,
/// for a date that does not exist, or for a time outside the years 1 to 9999.
std::optional<UnixMillis> parse_timestamp(std::string_view text);

}  // namespace trapline::core
