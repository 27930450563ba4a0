#include "collector/ingest/recent_ids.h"

#include <charconv>
#include <utility>

#include "sdk/core/checksum.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

std::uint64_t read_hex(std::string_view digits) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return number;
}

/// Differs from start to start: nobody can choose ids that all fall into one bucket.
std::uint64_t hash_seed() {
  static const std::uint64_t kSeed = [] {
    std::uint64_t seed = 0;
    core::fill_random(std::as_writable_bytes(std::span(&seed, 1)));
    return seed;
  }();
  return kSeed;
}

}  // namespace

std::size_t RecentIds::HashId::operator()(const Id& id) const {
  return core::fast_checksum(&id, sizeof id, hash_seed());
}

RecentIds::Id RecentIds::make_id(ProjectId project, std::string_view event_id) {
  return {read_hex(event_id.substr(0, 16)), event_id.size() > 16 ? read_hex(event_id.substr(16, 16)) : 0, project};
}

bool RecentIds::contains(ProjectId project, std::string_view event_id) const {
  const Id id = make_id(project, event_id);
  const std::lock_guard lock(mutex_);
  return newer_.contains(id) || older_.contains(id);
}

void RecentIds::add(ProjectId project, std::string_view event_id) {
  const Id id = make_id(project, event_id);
  const std::lock_guard lock(mutex_);
  if (newer_.size() >= capacity_) {
    older_ = std::move(newer_);
    newer_ = Ids();
  }
  newer_.insert(id);
}

}  // namespace trapline::collector
