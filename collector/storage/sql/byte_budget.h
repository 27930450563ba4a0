#pragma once

/// How many bytes the database takes of those that it may take (RetentionPolicy::most_bytes): measured now and then,
/// and reckoned between two measurements from what is written, so that the limit holds however fast events come in.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>

namespace trapline::collector::sql {

class ByteBudget {
 public:
  /// Measures if that was a second ago, or `at_once`. Called by one thread at a time, as used() and share() are.
  void look(std::int64_t most_bytes, bool at_once, const std::function<std::int64_t()>& measure);

  [[nodiscard]] std::int64_t used() const { return used_; }
  [[nodiscard]] std::int64_t limit() const { return limit_; }
  /// used() as a part of the limit; 0 when there is none.
  [[nodiscard]] double share() const {
    return limit_ > 0 ? static_cast<double>(used_) / static_cast<double>(limit_) : 0;
  }

  // By those who write events, from any thread:

  /// Whether there is room to keep an event. The first of a group has some that others no longer have.
  [[nodiscard]] bool has_room(bool is_first_of_group) const { return left_ > 0 || (is_first_of_group && reserve_ > 0); }
  /// An event was kept that took so many bytes when packed.
  void kept(std::size_t packed_bytes) {
    (left_ > 0 ? left_ : reserve_) -= static_cast<std::int64_t>(packed_bytes) + kBytesBesidePayload;
  }
  /// One was only counted.
  void counted() { left_ -= kBytesOfCounted; }
  /// A group was made for one.
  void made_group() { left_ -= kBytesOfGroup; }

 private:
  // As measured with bench_store and bench_collector, rounded up.
  static constexpr std::int64_t kBytesBesidePayload = 1'000;  ///< row, indexes, tags, users, texts
  static constexpr std::int64_t kBytesOfCounted = 150;
  static constexpr std::int64_t kBytesOfGroup = 2'000;

  std::int64_t used_ = 0;
  std::int64_t limit_ = 0;
  std::chrono::steady_clock::time_point measured_at_;
  std::atomic<std::int64_t> left_ = std::numeric_limits<std::int64_t>::max();  ///< until events are only counted
  std::atomic<std::int64_t> reserve_ = 0;  ///< beyond that, for those that are the first of their group
};

}  // namespace trapline::collector::sql
