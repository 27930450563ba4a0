#include "sdk/recorder/ledger.h"

namespace trapline::sdk {

std::string_view fate_name(Fate fate) {
  constexpr std::string_view kNames[kFates] = {
      "delivered",   "sampled", "filtered", "deduplicated",  "rate_limited", "ring_full", "too_large",
      "before_send", "torn",    "evicted",  "buffer_failed", "rejected",     "no_consent"};
  return kNames[static_cast<std::size_t>(fate)];
}

}  // namespace trapline::sdk
