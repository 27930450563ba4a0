#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sdk/core/clock.h"
#include "sdk/delivery/transport.h"

namespace trapline::sdk {

/// What to do with a batch after its answer.
enum class Verdict : std::uint8_t {
  kDelivered,
  kRefused,  ///< something in it can never be taken: 400, 413, 415, 422 and their like
  kRetry,    ///< the server, the way to it, or our right to use it is not well; that may change
};

Verdict judge(const HttpAnswer& answer);

/// What Retry-After asks for: seconds or an HTTP date (RFC 9110), at most an hour.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view text, core::UnixMillis now);

/// How long to wait before trying again when nobody says so: exponential backoff with full jitter: uniformly between
/// zero and 1 s, 2 s, 4 s … 5 min (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
/// `attempt` counts from 0, `random` is uniform in [0, 1).
std::chrono::milliseconds backoff(int attempt, double random);

/// The limits that a server has asked for, by category of data: X-Sentry-Rate-Limits
/// (https://develop.sentry.dev/sdk/expected-features/rate-limiting/), and Retry-After of a 429 for all of them.
class RateLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;

  void note(const HttpAnswer& answer, core::UnixMillis wall_now, Time now);
  /// Until when nothing of that category ("error", "session", …) may be sent; a past time when it may be.
  [[nodiscard]] Time blocked_until(std::string_view category) const;

 private:
  void extend(const std::string& category, Time until);
  std::map<std::string, Time, std::less<>> until_;  ///< "": all
};

}  // namespace trapline::sdk
