#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "collector/storage/records.h"

namespace trapline::collector {

/// The events that were acknowledged last, so that a sender who repeats itself soon, as after a lost answer, is told
/// how many of its events were there already without a question to the database; and those that are on their way to the
/// disk, so that of requests that bring the same event at the same time one is told "accepted" and the others
/// "duplicate", once it is there. It is about the answer only: what is not noticed here is noticed when it is stored.
/// Thread-safe.
class RecentIds {
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

 public:
  /// Remembers at least `capacity` events, and at most twice as many, at about 60 bytes each.
  explicit RecentIds(std::size_t capacity) : capacity_(capacity) {}

  /// The new events of one request, claimed by it while it is being put on disk. What was not kept by the end of the
  /// claim is given back: then another request may bring it.
  class Claim {
   public:
    Claim(Claim&& other) noexcept;
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    Claim& operator=(Claim&&) = delete;

    /// Whether the event is one of those; the others are known already.
    [[nodiscard]] bool contains(std::string_view event_id) const;
    /// Remembers an event that is on disk now: who is told "duplicate" counts on it.
    void keep(std::string_view event_id);

   private:
    friend class RecentIds;
    Claim(RecentIds& owner, ProjectId project) : owner_(&owner), project_(project) {}
    RecentIds* owner_;
    ProjectId project_;
    Ids ids_;
  };

  /// Claims those of a request's events that are not known. Waits while another request has one of them in its claim,
  /// as only its end tells whether that is a duplicate. All are claimed at once and by somebody who has no other claim,
  /// so requests cannot wait for each other.
  [[nodiscard]] Claim claim(ProjectId project, std::span<const std::string_view> event_ids);

 private:
  static Id make_id(ProjectId project, std::string_view event_id);
  void end_claim(const Ids& ids);

  std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable claim_ended_;
  Ids claimed_;  ///< guarded by mutex_, as the next
  Ids newer_;
  Ids older_;  ///< thrown away when the newer ones have filled up
};

}  // namespace trapline::collector
