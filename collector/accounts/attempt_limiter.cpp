#include "collector/accounts/attempt_limiter.h"

#include <iterator>

namespace trapline::collector {
namespace {

constexpr std::size_t kMostKeys = 10'000;

}  // namespace

void AttemptLimiter::drop_old(std::deque<Time>& failures, Time now) const {
  while (!failures.empty() && now - failures.front() >= window_) failures.pop_front();
}

std::chrono::seconds AttemptLimiter::wait_time(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(key);
  if (found == failures_.end()) return std::chrono::seconds{0};
  const Time now = clock_.steady_now();
  drop_old(found->second, now);
  if (found->second.size() < max_failures_) return std::chrono::seconds{0};
  return std::chrono::ceil<std::chrono::seconds>(found->second.front() + window_ - now);
}

void AttemptLimiter::count_failure(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.steady_now();
  if (failures_.size() >= kMostKeys) {
    for (auto entry = failures_.begin(); entry != failures_.end();) {
      drop_old(entry->second, now);
      entry = entry->second.empty() ? failures_.erase(entry) : std::next(entry);
    }
    // Still full: somebody tries many names. Starting over lets them try again, and keeps memory bounded.
    if (failures_.size() >= kMostKeys) failures_.clear();
  }
  std::deque<Time>& failures = failures_[key];
  drop_old(failures, now);
  if (failures.size() < max_failures_) failures.push_back(now);
}

void AttemptLimiter::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

}  // namespace trapline::collector
