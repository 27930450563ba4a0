#include "collector/digest/storm_guard.h"

#include <algorithm>

#include "collector/storage/time_span.h"

namespace trapline::collector {
namespace {

constexpr double kNear = 0.8;
constexpr double kBurst = 20;
constexpr double kShare = 1.0 / 200;
/// A project with more loud fingerprints than this forgets their buckets: they all get a burst again.
constexpr std::size_t kMostBuckets = 10'000;

}  // namespace

bool StormGuard::keeps(ProjectId project, std::string_view fingerprint, UnixMillis received_at,
                       std::int64_t events_per_hour) {
  if (events_per_hour <= 0) return true;
  Project& own = projects_[project];
  Window& window = own.window;
  Before& before = before_.emplace_back(Before{project, window, {}, {}});
  move_on(window, received_at);
  // A sliding hour: of the hour before, the part that still lies within it.
  const double part =
      1.0 - static_cast<double>(std::max<UnixMillis>(received_at - window.begin, 0)) / static_cast<double>(kHourMs);
  const double recent = static_cast<double>(window.kept) + part * static_cast<double>(window.kept_before);
  const auto limit = static_cast<double>(events_per_hour);
  bool is_kept = recent < kNear * limit;
  if (!is_kept) {
    if (own.buckets.size() > kMostBuckets) own.buckets.clear();
    Bucket& bucket = own.buckets.try_emplace(std::string(fingerprint), Bucket{kBurst, received_at}).first->second;
    before.fingerprint = fingerprint;
    before.bucket = bucket;
    is_kept = take_token(bucket, received_at, limit);
  }
  if (is_kept) ++window.kept;
  return is_kept;
}

void StormGuard::roll_back() {
  for (; !before_.empty(); before_.pop_back()) {
    const Before& before = before_.back();
    Project& own = projects_[before.project];
    own.window = before.window;
    if (!before.fingerprint.empty()) own.buckets.insert_or_assign(before.fingerprint, before.bucket);
  }
}

void StormGuard::move_on(Window& window, UnixMillis received_at) {
  if (received_at < window.begin + kHourMs) return;
  window.kept_before = received_at < window.begin + 2 * kHourMs ? window.kept : 0;
  window.kept = 0;
  window.begin = start_of(received_at, kHourMs);
}

bool StormGuard::take_token(Bucket& bucket, UnixMillis received_at, double events_per_hour) {
  const auto elapsed = static_cast<double>(std::max<UnixMillis>(received_at - bucket.filled_at, 0));
  bucket.tokens = std::min(kBurst, bucket.tokens + elapsed / static_cast<double>(kHourMs) * events_per_hour * kShare);
  bucket.filled_at = std::max(bucket.filled_at, received_at);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace trapline::collector
