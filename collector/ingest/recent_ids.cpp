#include "collector/ingest/recent_ids.h"

#include <algorithm>
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

RecentIds::Claim RecentIds::claim(ProjectId project, std::span<const std::string_view> event_ids) {
  Claim claim(*this, project);
  Ids wanted;
  for (const std::string_view event_id : event_ids) wanted.insert(make_id(project, event_id));
  std::unique_lock lock(mutex_);
  claim_ended_.wait(lock, [&] {
    return std::none_of(wanted.begin(), wanted.end(), [&](const Id& id) { return claimed_.contains(id); });
  });
  std::erase_if(wanted, [&](const Id& id) { return newer_.contains(id) || older_.contains(id); });
  claimed_.insert(wanted.begin(), wanted.end());
  claim.ids_ = std::move(wanted);
  return claim;
}

void RecentIds::end_claim(const Ids& ids) {
  if (ids.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const Id& id : ids) claimed_.erase(id);
  }
  claim_ended_.notify_all();
}

RecentIds::Claim::Claim(Claim&& other) noexcept
    : owner_(other.owner_), project_(other.project_), ids_(std::move(other.ids_)) {
  other.ids_.clear();
}

RecentIds::Claim::~Claim() { owner_->end_claim(ids_); }

bool RecentIds::Claim::contains(std::string_view event_id) const { return ids_.contains(make_id(project_, event_id)); }

void RecentIds::Claim::keep(std::string_view event_id) {
  const std::lock_guard lock(owner_->mutex_);
  if (owner_->newer_.size() >= owner_->capacity_) {
    owner_->older_ = std::move(owner_->newer_);
    owner_->newer_ = Ids();
  }
  owner_->newer_.insert(make_id(project_, event_id));
}

}  // namespace trapline::collector
