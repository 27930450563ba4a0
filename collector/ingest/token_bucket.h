#pragma once

/// A limit on how often: a bucket that fills at a steady rate and lets through what it holds.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "sdk/core/clock.h"

namespace trapline::collector {

/// Not thread-safe.
class TokenBucket {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Full. `per_second` tokens come in, `burst` are held at most.
  TokenBucket(double per_second, double burst, TimePoint now)
      : per_second_(per_second), burst_(burst), tokens_(burst), filled_at_(now) {}

  /// Takes one token. 0 when there was one, else in how many whole seconds there will be, 1 or more.
  int take(TimePoint now) {
    fill(now);
    if (tokens_ >= 1) {
      tokens_ -= 1;
      return 0;
    }
    constexpr double kMostSeconds = 3600;
    return static_cast<int>(std::clamp(std::ceil((1 - tokens_) / per_second_), 1.0, kMostSeconds));
  }

  /// What take() would answer, without taking.
  [[nodiscard]] int seconds_until(TimePoint now) const { return TokenBucket(*this).take(now); }

  /// Nobody has taken anything for so long that a new bucket would be the same.
  [[nodiscard]] bool is_full(TimePoint now) const {
    return tokens_ + std::chrono::duration<double>(now - filled_at_).count() * per_second_ >= burst_;
  }

 private:
  void fill(TimePoint now) {
    if (now <= filled_at_) return;
    const double seconds = std::chrono::duration<double>(now - filled_at_).count();
    tokens_ = std::min(burst_, tokens_ + seconds * per_second_);
    filled_at_ = now;
  }

  double per_second_;
  double burst_;
  double tokens_;
  TimePoint filled_at_;
};

/// A bucket each for many names: addresses, tokens. Bounded: full buckets are forgotten when there are too many, and if
/// all are in use, any. Thread-safe.
class TokenBuckets {
 public:
  /// `per_minute` 0: no limit. A minute's tokens may be taken at once.
  TokenBuckets(std::int64_t per_minute, const core::Clock& clock) : per_minute_(per_minute), clock_(clock) {}

  /// As TokenBucket::take().
  int take(std::string_view name) {
    if (per_minute_ <= 0) return 0;
    const auto now = clock_.steady_now();
    const std::lock_guard lock(mutex_);
    auto found = buckets_.find(std::string(name));
    if (found == buckets_.end()) {
      make_room(now);
      const auto burst = static_cast<double>(per_minute_);
      found = buckets_.emplace(std::string(name), TokenBucket(burst / 60, burst, now)).first;
    }
    return found->second.take(now);
  }

  /// As TokenBucket::seconds_until().
  int seconds_until(std::string_view name) {
    if (per_minute_ <= 0) return 0;
    const std::lock_guard lock(mutex_);
    const auto found = buckets_.find(std::string(name));
    return found != buckets_.end() ? found->second.seconds_until(clock_.steady_now()) : 0;
  }

 private:
  static constexpr std::size_t kMostBuckets = 50'000;

  void make_room(TokenBucket::TimePoint now) {
    if (buckets_.size() < kMostBuckets) return;
    std::erase_if(buckets_, [&](const auto& entry) { return entry.second.is_full(now); });
    // Under an attack from more addresses than that, looking for full ones each time would cost more than it saves.
    if (buckets_.size() > kMostBuckets / 2) buckets_.clear();
  }

  std::int64_t per_minute_;
  const core::Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, TokenBucket> buckets_;  ///< guarded by mutex_
};

}  // namespace trapline::collector
