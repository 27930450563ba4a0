#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "collector/storage/records.h"

namespace trapline::collector {

/// The events that were acknowledged last, so that a sender who repeats itself soon, as after a lost answer, is told
/// how many of its events were there already without a question to the database. It is about the answer only: what is
/// not noticed here is noticed when it is stored. Thread-safe.
class RecentIds {
 public:
  /// Remembers at least `capacity` events, and at most twice as many, at about 60 bytes each.
  explicit RecentIds(std::size_t capacity) : capacity_(capacity) {}

  [[nodiscard]] bool contains(ProjectId project, std::string_view event_id) const;
  /// Only what is on disk: who is told "duplicate" counts on it.
  void add(ProjectId project, std::string_view event_id);

 private:
  /// Project and id, 32 hex digits, as 24 bytes.
  struct Id {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    ProjectId project = 0;
    bool operator==(const Id&) const = default;
  };
  struct HashId {
    std::size_t operator()(const Id& id) const;
  };
  using Ids = std::unordered_set<Id, HashId>;

  static Id make_id(ProjectId project, std::string_view event_id);

  std::size_t capacity_;
  mutable std::mutex mutex_;
  Ids newer_;  ///< guarded by mutex_, as the next
  Ids older_;  ///< thrown away when the newer ones have filled up
};

}  // namespace trapline::collector
