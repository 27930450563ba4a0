#pragma once

/// How many bytes the database takes of those that it may take (RetentionPolicy::most_bytes): measured now and then,
/// and reckoned between two measurements from the events that are written, so that the limit holds however fast they
/// come.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <utility>

#include "collector/storage/time_span.h"

namespace trapline::collector::sql {

class ByteBudget {
 public:
  /// Measures if that was a second ago, or `at_once`. Called by one thread at a time, as the next three are.
  void look(std::int64_t most_bytes, bool at_once, const std::function<std::int64_t()>& measure);

  [[nodiscard]] std::int64_t used() const { return used_; }
  [[nodiscard]] std::int64_t limit() const { return limit_; }
  /// used() as a part of the limit; 0 when there is none.
  [[nodiscard]] double share() const {
    return limit_ > 0 ? static_cast<double>(used_) / static_cast<double>(limit_) : 0;
  }

  /// How long ids of events that were only counted are kept above the limit, if they do not take too much.
  static constexpr UnixMillis kIdsKept = 60'000;
  /// They may go when they were noted down before that time.
  [[nodiscard]] UnixMillis ids_kept_from() const { return ids_kept_from_; }

  /// Whether an event had no room since this was asked last.
  bool take_refused() { return refused_.exchange(false); }

  // By the one who writes events:

  /// Whether there is room to keep an event. The first of a group has some that others no longer have.
  bool has_room(bool is_first_of_group) {
    if (spent_ < (is_first_of_group ? first_until_ : until_)) return true;
    refused_ = true;
    return false;
  }
  /// Whether no event has room, not even the first of a group: then less is noted down of those that are counted, too.
  [[nodiscard]] bool is_full() const { return spent_ >= first_until_; }
  /// So many ids were noted down, and committed, of events of which nothing else is kept: above the limit they may take
  /// a small part of it.
  void noted_ids(std::int64_t count, UnixMillis now);
  /// An event was kept that took so many bytes when packed.
  void kept(std::size_t packed_bytes) { spent_ += static_cast<std::int64_t>(packed_bytes) + kBytesBesidePayload; }
  /// A group was made for one.
  void made_group() { spent_ += kBytesOfGroup; }
  /// What was written is there for others to see, or was taken back.
  void settle() { settled_ = spent_.load(); }

 private:
  // As measured with bench_store and bench_collector, rounded up.
  static constexpr std::int64_t kBytesBesidePayload = 1'000;  ///< row, indexes, tags, users, texts
  static constexpr std::int64_t kBytesOfGroup = 2'000;
  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

  std::int64_t used_ = 0;
  std::int64_t limit_ = 0;
  std::chrono::steady_clock::time_point measured_at_;
  std::atomic<std::int64_t> spent_ = 0;               ///< since the start
  std::atomic<std::int64_t> settled_ = 0;             ///< of it
  std::atomic<std::int64_t> until_ = kNoLimit;        ///< what is spent then
  std::atomic<std::int64_t> first_until_ = kNoLimit;  ///< the same for the first events of groups
  std::atomic<std::int64_t> most_ids_ = kNoLimit;
  std::int64_t ids_ = 0;                                   ///< since the start
  std::deque<std::pair<UnixMillis, std::int64_t>> noted_;  ///< how many there had been when
  std::atomic<UnixMillis> ids_kept_from_ = 0;
  std::atomic<bool> refused_ = false;
};

}  // namespace trapline::collector::sql
