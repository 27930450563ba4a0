#pragma once

/// Accepted requests between the answer to their sender and their digestion, on disk. append() returns after the fsync,
/// so what was acknowledged survives a kill or a power cut; requests that come at the same time share one.
///
/// Why files of our own and not SQLite: measured by tests/bench/bench_spool (single events of 1.8 KB as sent, requests
/// at the same time share an fsync, 2 busy cores; CPU microseconds per event, wall microseconds in parentheses):
///
///     requests at once      1          8         32
///     segments           39 (136)   24 (32)   15 (15)
///     SQLite             85 (162)   37 (53)   32 (33)
///
/// Batches gain more: here a request of 100 events is one record, there it is 100 rows. And what is released costs
/// nothing here (a file is deleted when all of it is), where SQLite deletes row by row.
/// What they lack is an index: whether an event waits here already is remembered by RecentIds.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/digest/event_source.h"
#include "collector/ingest/spooled_request.h"

namespace trapline::collector {

/// Bytes free on the file system of a folder.
std::uint64_t free_disk_bytes(const std::string& folder);

struct SpoolOptions {
  std::uint64_t max_bytes = std::uint64_t{2} << 30;         ///< of all files together; above, append() refuses
  std::int64_t max_events = 2'000'000;                      ///< that may wait
  std::uint64_t min_free_bytes = std::uint64_t{256} << 20;  ///< to be left on the disk
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;    ///< a file that has reached this gets no more records
  /// How long a file that is written to stays at least when all that is in it was released: what was erased or sealed
  /// in the store must not stand here in clear for ever, and making a file for each event would cost too much.
  std::chrono::milliseconds keep_released{60'000};
  /// Of events that are kept in memory beside the disk, so that they need not be read and taken apart again.
  std::size_t memory_bytes = std::size_t{8} << 20;
  std::function<std::uint64_t(const std::string& folder)> free_bytes = free_disk_bytes;
  /// Is told what the disk has changed, lost or does not give back, once each, by any thread; must not call the spool.
  std::function<void(const std::string& what)> on_damage = [](const std::string&) {};
};

struct SpoolCounts {
  std::int64_t waiting_events = 0;  ///< accepted, not released
  std::int64_t waiting_items = 0;   ///< the same for items that are no events
  std::uint64_t bytes = 0;          ///< of all files
  std::uint64_t damaged_parts = 0;  ///< events and items, since the start: lost, as the disk has changed them
  std::uint64_t damaged_files = 0;  ///< since the start: set aside, as they are no segments
  std::uint64_t torn_bytes = 0;  ///< cut off at the start: being written when the machine went down, or damaged since
};

/// Thread-safe. Events are read by EventSource's functions, other items by claim_items(), both released by release().
class Spool : public EventSource {
 public:
  /// Opens or creates the spool in a folder of its own. What is damaged in it is counted and told, and keeps nothing
  /// else from being read; files that cannot be used at all are renamed to *.damaged. Errors: "storage".
  static core::Result<std::unique_ptr<Spool>> open(const std::string& folder, SpoolOptions options = {});

  /// Whether a request of so many bytes would be taken now; cheap, to be asked before any work is spent on it. Errors:
  /// "spool_full", "disk_full".
  virtual core::Status admit(std::size_t bytes) = 0;

  /// Whether the disk has the room that is to be left on it. Error: "disk_full".
  virtual core::Status check_disk() = 0;

  /// Puts a request on disk, its parts all or none. `body` is the body as sent. Waits for the group commit it becomes
  /// part of. Errors: those of admit(), "storage".
  virtual core::Status append(SpooledRequest request, std::string_view body) = 0;

  /// As claim_events(), for the other items.
  virtual core::Result<std::vector<SpooledItem>> claim_items(std::size_t max_items) = 0;

  /// Tells it from all other spools, for ever. Nothing secret.
  [[nodiscard]] virtual std::string name() const = 0;

  /// How many events wait for digestion.
  [[nodiscard]] virtual std::int64_t size() const = 0;

  [[nodiscard]] virtual SpoolCounts counts() const = 0;
};

}  // namespace trapline::collector
