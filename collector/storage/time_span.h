#pragma once

/// The spans that things are counted by. They begin where they begin in UTC.

#include "collector/storage/records.h"

namespace trapline::collector {

constexpr UnixMillis kHourMs = 3'600'000;
constexpr UnixMillis kDayMs = 24 * kHourMs;

/// The start of the span that holds the time; also before 1970.
constexpr UnixMillis start_of(UnixMillis time, UnixMillis span) { return time - (time % span + span) % span; }

}  // namespace trapline::collector
