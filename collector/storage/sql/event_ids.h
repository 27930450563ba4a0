#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/storage/records.h"
#include "collector/storage/time_span.h"

namespace trapline::collector::sql {

/// Rows of `event` are numbered by the time of receipt, with room for a million events in each millisecond.
constexpr int kRowIdTimeShift = 20;
constexpr UnixMillis kMostReceivedAt = (std::int64_t{1} << (63 - kRowIdTimeShift)) - 1;  ///< in the year 2248
constexpr std::int64_t first_row_id(UnixMillis received_at) {
  return std::clamp<UnixMillis>(received_at, 0, kMostReceivedAt) << kRowIdTimeShift;
}
constexpr std::int64_t first_row_of_day(std::int64_t day) { return first_row_id(day * kDayMs); }
constexpr UnixMillis received_at_of(std::int64_t row_id) { return row_id >> kRowIdTimeShift; }

/// "2026-11-27": a UTC day by its number since 1970-01-01.
std::string day_text(std::int64_t day);

/// 32 hex digits as 16 bytes; any other text as it is.
std::string event_id_bytes(std::string_view event_id);
std::string event_id_text(std::string_view bytes);

}  // namespace trapline::collector::sql
