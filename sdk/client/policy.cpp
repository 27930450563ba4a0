#include "sdk/client/policy.h"

#include <algorithm>
#include <string>

#include "sdk/core/random.h"

namespace trapline::sdk {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t in_text = 0;
  std::size_t star = std::string_view::npos;  // the last * that was passed, and where its text may end
  std::size_t resume = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = in_text;
    } else if (at < pattern.size() && pattern[at] == text[in_text]) {
      ++at;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

TokenBucket::TokenBucket(double per_second, double burst)
    : nanos_per_token_(per_second > 0 ? static_cast<std::int64_t>(static_cast<double>(kSecond) / per_second) : 0),
      burst_nanos_(static_cast<std::int64_t>(static_cast<double>(nanos_per_token_) * std::max(burst, 1.0))) {}

bool TokenBucket::take(std::int64_t now_nanos) {
  if (nanos_per_token_ == 0) return true;
  // Relaxed: the number stands for itself.
  std::int64_t full_at = full_at_.load(std::memory_order_relaxed);
  while (true) {
    const std::int64_t next = std::max(full_at, now_nanos) + nanos_per_token_;
    if (next - now_nanos > burst_nanos_) return false;
    if (full_at_.compare_exchange_weak(full_at, next, std::memory_order_relaxed)) return true;
  }
}

bool IdenticalSampler::keeps(std::uint64_t key, std::int64_t now_nanos, double random) {
  if (first_ == 0) return true;
  const std::int64_t minute = now_nanos / (60 * kSecond);
  const std::lock_guard lock(mutex_);
  Slot& slot = slots_[key % kSlots];
  if (slot.key != key || slot.minute != minute) slot = {key, minute, 0};
  return ++slot.seen <= first_ || random < rate_;
}

Policy::Policy(const PolicyOptions& options, const Hooks& hooks)
    : options_(options),
      sample_(hooks.sample),
      bucket_(options.events_per_second, options.burst),
      identical_(options.identical_per_minute, options.identical_rate) {}

std::optional<Fate> Policy::judge(const SamplingQuestion& question, std::string_view readable_type) {
  if (options_.sample_rate < 1.0 && core::random_fraction() >= options_.sample_rate) return Fate::kSampled;
  if (sample_) {
    double rate = 1.0;
    try {
      rate = sample_(question);
    } catch (...) {  // a callback that fails drops nothing
    }
    if (rate < 1.0 && core::random_fraction() >= rate) return Fate::kSampled;
  }
  if (has_patterns() && is_ignored(question, readable_type)) return Fate::kFiltered;
  return std::nullopt;
}

bool Policy::is_ignored(const SamplingQuestion& question, std::string_view readable_type) const {
  const std::string whole =
      readable_type.empty() ? std::string() : std::string(readable_type) + ": " + std::string(question.message);
  return std::any_of(options_.ignored.begin(), options_.ignored.end(), [&](const std::string& pattern) {
    return matches_pattern(pattern, question.message) ||
           (!whole.empty() && (matches_pattern(pattern, readable_type) || matches_pattern(pattern, whole)));
  });
}

bool Policy::keeps_identical(std::uint64_t key, std::int64_t now_nanos) {
  if (options_.identical_per_minute == 0) return true;
  return identical_.keeps(key, now_nanos, core::random_fraction());
}

}  // namespace trapline::sdk
