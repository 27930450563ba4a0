#pragma once

/// What is kept, and for how long.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sdk/core/clock.h"

namespace trapline::collector {

struct RetentionPolicy {
  /// Events, and what else clients send, are kept for so many UTC days beside the one on which they came; 0: for ever.
  /// A project may say otherwise (IngestSettings::retention_days). Counts and issues stay.
  std::int64_t days = 90;
  /// The database takes up to so many bytes; 0: no limit. Logs come on top, of SQLite some 16 MiB each for the database
  /// and the days that are being written. Above, days lose the events that are worth the least
  /// (choose_worth_keeping()), older ones more than newer ones; when that is not enough, the oldest day goes.
  std::int64_t most_bytes = 0;
  /// Nothing of a day goes before all of it is in the cold archive (RetentionStep::to_archive). Of today's events,
  /// which go when nothing else is left to make room, nothing is there.
  bool has_archive = false;
  /// The archive cannot be written now: days go without when the database is above its limit, and not before.
  bool archive_fails = false;
};

/// What one step has done.
struct RetentionStep {
  bool has_more = false;                     ///< the next step has something to do
  bool is_urgent = false;                    ///< the database is above its limit
  bool only_counts = false;                  ///< events had no room since the last step, and were counted only
  std::int64_t bytes_used = 0;               ///< by the database; as it was measured last
  std::int64_t erased = 0;                   ///< events
  std::chrono::microseconds held_writer{0};  ///< how long nobody else could write
  std::optional<std::int64_t> to_archive;    ///< a UTC day, from 1970-01-01 on, that may go when it is in the archive
  bool goes_unarchived = false;              ///< there is no room to wait until a day is there: `news` says which
  std::string news;                          ///< what is begun or done, in words, for people; mostly empty
};

/// One of the events of a group hash on one day, as far as its worth goes.
struct EventWorth {
  std::int64_t row = 0;
  core::UnixMillis timestamp = 0;
  std::string release;
  std::string environment;
  std::string user;
  bool is_landmark = false;  ///< the first, the newest, a turning point: kept whatever it costs
};

/// Which `most` of the events to keep, in the order given: the landmarks, and then those that are rarest by release,
/// environment and user among all of them, each value that is kept already counting for less. Landmarks may be more
/// than `most`. Takes time in proportion to events.size() * most.
std::vector<std::int64_t> choose_worth_keeping(std::span<const EventWorth> events, std::size_t most);

}  // namespace trapline::collector
