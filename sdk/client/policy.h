#pragma once

/// Decides on the caller's thread whether an event is captured at all, before anything costly is done: sampling, ignore
/// lists, identical errors, the process's own rate limit. Never allocates after the first few calls of a thread.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "sdk/client/options.h"
#include "sdk/client/repeat_table.h"
#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

/// Whether `text` is as `pattern` says, where * stands for any text, also none. Case matters. Costs at most the product
/// of both lengths.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// Tokens come at a steady rate up to a burst; each event takes one. Thread-safe, without a lock.
class TokenBucket {
 public:
  /// A rate of 0: no limit.
  TokenBucket(double per_second, double burst);
  bool take(std::int64_t now_nanos);

 private:
  std::int64_t nanos_per_token_;
  std::int64_t burst_nanos_;
  std::atomic<std::int64_t> full_at_{0};  ///< when the bucket will be full again (the "generic cell rate algorithm")
};

/// Keeps the first few identical errors of a minute and a part of the others. Thread-safe.
class IdenticalSampler {
 public:
  IdenticalSampler(std::uint32_t first, double rate) : first_(first), rate_(rate) {}
  bool keeps(std::uint64_t key, std::int64_t now_nanos, double random);

 private:
  static constexpr std::size_t kSlots = 512;
  struct Slot {
    std::uint64_t key = 0;
    std::int64_t minute = 0;
    std::uint32_t seen = 0;
  };
  std::mutex mutex_;
  std::array<Slot, kSlots> slots_{};  ///< guarded by mutex_; errors that share a slot take turns in it
  std::uint32_t first_;
  double rate_;
};

class Policy {
 public:
  Policy(const PolicyOptions& options, const Hooks& hooks);

  /// Sampling and ignore lists: why the event is dropped, or nothing.
  std::optional<Fate> judge(const SamplingQuestion& question, std::string_view readable_type);

  /// `key` is that of the error without its values.
  bool keeps_identical(std::uint64_t key, std::int64_t now_nanos);
  bool is_within_rate(std::int64_t now_nanos) { return bucket_.take(now_nanos); }

  /// Whether judge() needs the type as people write it.
  [[nodiscard]] bool has_patterns() const { return !options_.ignored.empty(); }

 private:
  [[nodiscard]] bool is_ignored(const SamplingQuestion& question, std::string_view readable_type) const;

  const PolicyOptions options_;
  const std::function<double(const SamplingQuestion&)> sample_;
  TokenBucket bucket_;
  IdenticalSampler identical_;
};

}  // namespace trapline::sdk
