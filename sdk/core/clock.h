#pragma once

/// Time as an argument: code that waits or stamps takes a Clock, so tests turn a ManualClock instead of sleeping.

#include <chrono>
#include <cstdint>

namespace trapline::core {

/// Milliseconds since 1970-01-01T00:00:00Z.
using UnixMillis = std::int64_t;

/// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall-clock time, for what people read. May jump.
  [[nodiscard]] virtual UnixMillis unix_millis() const = 0;

  /// Time that only moves forward, for durations and deadlines.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady_now() const = 0;
};

/// Milliseconds that only move forward, a few behind at most: for what asks a thousand times a second.
std::int64_t coarse_millis();

/// The machine's clocks. Lives as long as the process.
const Clock& system_clock();

}  // namespace trapline::core
