#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

std::string_view fate_name(Fate fate) {
  constexpr std::string_view kNames[kFates] = {
      "delivered",   "sampled", "filtered", "deduplicated",  "rate_limited", "ring_full", "too_large",
      "before_send", "torn",    "evicted",  "buffer_failed", "rejected",     "no_consent"};
  return kNames[static_cast<std::size_t>(fate)];
}

std::string_view discard_reason(Fate fate) {
  switch (fate) {
    case Fate::kSampled:
      return "sample_rate";
    case Fate::kFiltered:
      return "event_processor";
    case Fate::kRingFull:
      return "queue_overflow";
    case Fate::kEvicted:
      return "cache_overflow";
    default:
      return fate_name(fate);
  }
}

}  // namespace trapline::sdk
