#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trapline::sdk {

/// What became of a captured event. Every one has exactly one fate once nothing is on its way any more.
enum class Fate : std::uint8_t {
  kDelivered,     ///< acknowledged by the server
  kSampled,       ///< left out by the sample rate or the sampling callback
  kFiltered,      ///< on an ignore list
  kDeduplicated,  ///< counted into another event of the same error
  kRateLimited,   ///< over the process's own limit
  kRingFull,      ///< the recorder had no room
  kTooLarge,      ///< larger than a record may be
  kHookDropped,   ///< before_send wanted it dropped
  kTorn,          ///< the process was killed while it was captured: the call never returned
  kEvicted,       ///< the offline buffer was full, or the event too old for it
  kBufferFailed,  ///< the offline buffer could not be written
  kRejected,      ///< refused by the server
  kNoConsent,     ///< captured while consent was withheld
  kCount
};
constexpr std::size_t kFates = static_cast<std::size_t>(Fate::kCount);

/// Snake case: "sampled", "ring_full". The offline buffer keeps counts by it.
std::string_view fate_name(Fate fate);

/// What the server is told: the standard reason of client reports, where there is one that means the same
/// (https://develop.sentry.dev/sdk/telemetry/client-reports/), else the fate's name.
std::string_view discard_reason(Fate fate);

/// Lies in the recorder's file, so that it survives its process. Relaxed everywhere: each counter stands for itself,
/// and they are compared only when nothing moves.
struct LedgerCounters {
  std::atomic<std::uint64_t> captured{0};
  std::array<std::atomic<std::uint64_t>, kFates> fates{};

  void count(Fate fate, std::uint64_t events = 1) {
    fates[static_cast<std::size_t>(fate)].fetch_add(events, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t of(Fate fate) const {
    return fates[static_cast<std::size_t>(fate)].load(std::memory_order_relaxed);
  }
};

}  // namespace trapline::sdk
