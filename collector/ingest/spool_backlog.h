#pragma once

/// The spool's reading side: which records of which files are not released yet, and those of their parts that are in
/// memory. Order is kept; releases may come in any order.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "collector/ingest/segment_file.h"
#include "collector/ingest/spooled_request.h"

namespace trapline::collector {

/// Not thread-safe.
class SpoolBacklog {
 public:
  explicit SpoolBacklog(std::size_t memory_bytes) : memory_bytes_(memory_bytes) {}

  /// From now on records are added to this file.
  void add_segment(std::shared_ptr<SegmentFile> file);
  /// Whether the file that is written to has records, and all of all files were released.
  [[nodiscard]] bool is_done() const {
    return !segments_.empty() && waiting_events_ == 0 && waiting_items_ == 0 && segments_.back().unreleased == 0 &&
           segments_.back().file->first_sequence() < next_sequence_;
  }
  /// The file that is written to; null when there is none yet.
  [[nodiscard]] std::shared_ptr<SegmentFile> active() const {
    return segments_.empty() ? nullptr : segments_.back().file;
  }

  /// A record that was appended to the active file. Its parts, when they are at hand, are kept in memory if there is
  /// room and everything before them is there, too.
  void add_record(const RecordPlace& place, std::optional<SpooledParts> parts);

  /// The next record that is only on disk, to be read by the caller and given to load(), or to drop() if it cannot be.
  struct Unloaded {
    std::shared_ptr<SegmentFile> file;
    RecordPlace place;
  };
  [[nodiscard]] std::optional<Unloaded> next_unloaded() const;
  void load(const RecordPlace& place, SpooledParts parts);
  void drop(const RecordPlace& place);

  [[nodiscard]] bool has_room() const { return loaded_bytes_ < memory_bytes_; }
  [[nodiscard]] std::size_t loaded_events() const { return events_.size(); }
  [[nodiscard]] std::size_t loaded_items() const { return items_.size(); }

  /// The oldest in memory, of at most `max_bytes` unless the first has more.
  std::vector<SpooledEvent> take_events(std::size_t max_events, std::size_t max_bytes);
  std::vector<SpooledItem> take_items(std::size_t max_items, std::size_t max_bytes);

  /// Marks parts as done, each once. Answers the files that nobody needs any more, which are forgotten here.
  std::vector<std::shared_ptr<SegmentFile>> release(std::span<const std::int64_t> sequences);

  /// Every part before this one is released.
  [[nodiscard]] std::int64_t first_unreleased() const;

  [[nodiscard]] std::int64_t waiting_events() const { return waiting_events_; }
  [[nodiscard]] std::int64_t waiting_items() const { return waiting_items_; }
  /// Of all files.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  struct Segment {
    std::shared_ptr<SegmentFile> file;  ///< shared with a reader that reads without the spool's lock
    std::deque<RecordPlace> unloaded;
    std::int64_t unreleased = 0;  ///< parts
    std::uint64_t bytes = 0;      ///< the file's size: itself it may be asked only by who appends to it
  };
  struct LoadedRecord {
    RecordPlace place;
    std::uint32_t unreleased = 0;
    std::int64_t segment_number = 0;
  };

  void load_into(std::int64_t segment_number, const RecordPlace& place, SpooledParts parts);
  Segment& segment_at(std::int64_t number) { return segments_[static_cast<std::size_t>(number - first_segment_)]; }
  void release_one(std::int64_t sequence, bool is_event);
  std::vector<std::shared_ptr<SegmentFile>> forget_done();

  std::size_t memory_bytes_;
  std::deque<Segment> segments_;
  std::int64_t first_segment_ = 0;    ///< the number of segments_.front(), counted from the start
  std::int64_t loading_segment_ = 0;  ///< no segment before this one has unloaded records
  std::deque<LoadedRecord> loaded_;   ///< by sequence
  std::deque<SpooledEvent> events_;
  std::deque<SpooledItem> items_;
  std::size_t loaded_bytes_ = 0;  ///< of events_ and items_
  std::int64_t waiting_events_ = 0;
  std::int64_t waiting_items_ = 0;
  std::int64_t next_sequence_ = 1;
  std::uint64_t bytes_ = 0;
};

}  // namespace trapline::collector
