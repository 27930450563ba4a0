#pragma once

#include <chrono>
#include <optional>

#include "sdk/core/clock.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// What to do with a batch after its answer.
enum class Verdict {
  kDelivered,
  kRefused,  ///< the same batch would be refused again: drop and count it
  kRetry,    ///< the server, or the way to it, is not well
};

Verdict judge(const HttpAnswer& answer);

/// How long to wait before trying again. What Retry-After asks for (seconds or an HTTP date, at most an hour), else
/// exponential backoff with full jitter: uniformly between zero and 1 s, 2 s, 4 s … 5 min
/// (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `attempt` counts from 0, `random` is
/// uniform in [0, 1).
std::chrono::milliseconds retry_delay(const HttpAnswer& answer, int attempt, double random, core::UnixMillis now);

}  // namespace trapline::sdk
