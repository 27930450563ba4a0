#include "collector/ingest/spool_backlog.h"

#include <algorithm>
#include <iterator>

namespace trapline::collector {
namespace {

constexpr std::size_t kPartOverhead = 300;

std::size_t bytes_of(const SpooledEvent& event) { return event.payload.size() + kPartOverhead; }
std::size_t bytes_of(const SpooledItem& item) { return item.part.payload.size() + kPartOverhead; }

/// How many of the first parts make up `max_count` and `max_bytes`, at least one if there is any.
template <class Parts>
std::size_t count_within(const Parts& parts, std::size_t max_count, std::size_t max_bytes) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < parts.size() && count < max_count && (count == 0 || bytes < max_bytes)) {
    bytes += bytes_of(parts[count++]);
  }
  return count;
}

template <class Part>
std::vector<Part> take_first(std::deque<Part>& parts, std::size_t count, std::size_t& loaded_bytes) {
  std::vector<Part> taken;
  taken.reserve(count);
  const auto end = parts.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto part = parts.begin(); part != end; ++part) {
    loaded_bytes -= bytes_of(*part);
    taken.push_back(std::move(*part));
  }
  parts.erase(parts.begin(), end);
  return taken;
}

}  // namespace

void SpoolBacklog::add_segment(std::shared_ptr<SegmentFile> file) {
  next_sequence_ = std::max(next_sequence_, file->first_sequence());
  const std::uint64_t size = file->size();
  segments_.push_back({std::move(file), {}, 0, size});
  bytes_ += size;
}

void SpoolBacklog::add_record(const RecordPlace& place, std::optional<SpooledParts> parts) {
  Segment& segment = segments_.back();
  segment.unreleased += place.parts;
  const std::uint64_t added = std::max(segment.bytes, place.end()) - segment.bytes;  // nothing when it was there before
  segment.bytes += added;
  bytes_ += added;
  waiting_events_ += place.events;
  waiting_items_ += place.parts - place.events;
  next_sequence_ = std::max(next_sequence_, place.end_sequence());
  const bool is_next = !next_unloaded();
  if (parts && is_next && has_room()) {
    load_into(first_segment_ + static_cast<std::int64_t>(segments_.size()) - 1, place, std::move(*parts));
  } else {
    segment.unloaded.push_back(place);
  }
}

std::optional<SpoolBacklog::Unloaded> SpoolBacklog::next_unloaded() const {
  for (std::size_t at = static_cast<std::size_t>(std::max<std::int64_t>(0, loading_segment_ - first_segment_));
       at < segments_.size(); ++at) {
    if (!segments_[at].unloaded.empty()) return Unloaded{segments_[at].file, segments_[at].unloaded.front()};
  }
  return std::nullopt;
}

void SpoolBacklog::load(const RecordPlace& place, SpooledParts parts) {
  for (std::size_t at = 0; at < segments_.size(); ++at) {
    Segment& segment = segments_[at];
    if (segment.unloaded.empty()) continue;
    segment.unloaded.pop_front();
    loading_segment_ = first_segment_ + static_cast<std::int64_t>(at);
    load_into(loading_segment_, place, std::move(parts));
    return;
  }
}

void SpoolBacklog::load_into(std::int64_t segment_number, const RecordPlace& place, SpooledParts parts) {
  loaded_.push_back({place, place.parts, segment_number});
  for (SpooledEvent& event : parts.events) {
    loaded_bytes_ += bytes_of(event);
    events_.push_back(std::move(event));
  }
  for (SpooledItem& item : parts.items) {
    loaded_bytes_ += bytes_of(item);
    items_.push_back(std::move(item));
  }
}

void SpoolBacklog::drop(const RecordPlace& place) {
  for (Segment& segment : segments_) {
    if (segment.unloaded.empty()) continue;
    segment.unloaded.pop_front();
    segment.unreleased -= place.parts;
    waiting_events_ -= place.events;
    waiting_items_ -= place.parts - place.events;
    return;
  }
}

std::vector<SpooledEvent> SpoolBacklog::take_events(std::size_t max_events, std::size_t max_bytes) {
  return take_first(events_, count_within(events_, max_events, max_bytes), loaded_bytes_);
}

std::vector<SpooledItem> SpoolBacklog::take_items(std::size_t max_items, std::size_t max_bytes) {
  return take_first(items_, count_within(items_, max_items, max_bytes), loaded_bytes_);
}

void SpoolBacklog::release_one(std::int64_t sequence, bool is_event) {
  const auto after = std::upper_bound(
      loaded_.begin(), loaded_.end(), sequence,
      [](std::int64_t wanted, const LoadedRecord& record) { return wanted < record.place.first_sequence; });
  if (after == loaded_.begin()) return;
  LoadedRecord& record = *std::prev(after);
  if (sequence >= record.place.end_sequence() || record.unreleased == 0) return;
  --record.unreleased;
  --segment_at(record.segment_number).unreleased;
  --(is_event ? waiting_events_ : waiting_items_);
}

std::vector<std::shared_ptr<SegmentFile>> SpoolBacklog::release(std::span<const std::int64_t> sequences) {
  for (const std::int64_t sequence : sequences) {
    // Events stand before the other items of their record.
    const auto after = std::upper_bound(
        loaded_.begin(), loaded_.end(), sequence,
        [](std::int64_t wanted, const LoadedRecord& record) { return wanted < record.place.first_sequence; });
    if (after == loaded_.begin()) continue;
    const RecordPlace& place = std::prev(after)->place;
    release_one(sequence, sequence < place.first_sequence + place.events);
  }
  return forget_done();
}

std::vector<std::shared_ptr<SegmentFile>> SpoolBacklog::forget_done() {
  while (!loaded_.empty() && loaded_.front().unreleased == 0) loaded_.pop_front();
  std::vector<std::shared_ptr<SegmentFile>> done;
  // The last one stays: it is written to, and its name keeps the sequence numbers going.
  while (segments_.size() > 1 && segments_.front().unreleased == 0) {
    bytes_ -= segments_.front().bytes;
    done.push_back(std::move(segments_.front().file));
    segments_.pop_front();
    ++first_segment_;
  }
  return done;
}

std::int64_t SpoolBacklog::first_unreleased() const {
  if (!loaded_.empty()) return loaded_.front().place.first_sequence;
  const auto unloaded = next_unloaded();
  return unloaded ? unloaded->place.first_sequence : next_sequence_;
}

}  // namespace trapline::collector
