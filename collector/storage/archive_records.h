#pragma once

/// What the store and the cold archive (archive/) tell each other.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/storage/records.h"

namespace trapline::collector {

/// Which events of a UTC day (counted from 1970-01-01), in the order in which they are kept.
struct ArchiveQuery {
  std::int64_t day = 0;
  std::int64_t after_row = 0;  ///< a page's last_row; 0: from the start
  std::size_t limit = 100;
};

/// Events whole, with their group hashes. Those of projects that are gone are left out.
struct ArchivePage {
  std::vector<StoredEvent> events;
  std::int64_t last_row = 0;
  UnixMillis last_received_at = 0;
  std::size_t unreadable = 0;  ///< events whose bytes are damaged: they are left out
  bool is_last = false;
};

/// What became of events that were given back.
struct RestoreOutcome {
  std::size_t restored = 0;
  std::size_t known = 0;     ///< they were there
  std::size_t left_out = 0;  ///< of projects that are gone
};

}  // namespace trapline::collector
