#pragma once

/// Accepted events between the answer to their sender and their digestion, on disk. append() returns after the fsync,
/// so what was acknowledged survives a kill or a power cut; requests that come at the same time share one commit.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/digest/event_source.h"

namespace trapline::collector {

/// Thread-safe.
class Spool : public EventSource {
 public:
  /// Opens or creates the spool at `path` (a SQLite file of its own; see spool.cpp for why).
  static core::Result<std::unique_ptr<Spool>> open(const std::string& path);

  struct Appended {
    std::size_t stored = 0;
    std::size_t duplicates = 0;  ///< already waiting in the spool, or twice in `events`
  };

  /// Puts the events of one request on disk, all or none. Sequence numbers are given here; those in `events` are not
  /// read. Waits for the group commit it becomes part of.
  virtual core::Result<Appended> append(std::vector<SpooledEvent> events) = 0;

  /// How many events wait for digestion.
  [[nodiscard]] virtual std::int64_t size() const = 0;
};

}  // namespace trapline::collector
