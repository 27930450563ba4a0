#pragma once

#include <cstdlib>

#include "collector/storage/records.h"

namespace trapline::collector {

/// What has to be added to a sender's times: a clock that was off by an hour when the request was sent gave the times
/// in it, too. What is less may be the request's way here, and the receipt tells no better. The same threshold as
/// Sentry's Relay has. 0: the clock is right, or the sender did not say when it sent.
inline core::UnixMillis clock_drift(core::UnixMillis sent_at, core::UnixMillis received_at) {
  constexpr core::UnixMillis kLeastDriftMs = core::UnixMillis{55} * 60'000;
  const core::UnixMillis drift = sent_at > 0 ? received_at - sent_at : 0;
  return std::abs(drift) >= kLeastDriftMs ? drift : 0;
}

}  // namespace trapline::collector
