#pragma once

#include <atomic>
#include <chrono>

#include "sdk/core/clock.h"

namespace trapline::tests {

/// A clock that stands still until it is turned.
class ManualClock final : public core::Clock {
 public:
  explicit ManualClock(core::UnixMillis now) : millis_(now) {}

  void advance(std::chrono::milliseconds by) { millis_ += by.count(); }

  [[nodiscard]] core::UnixMillis unix_millis() const override { return millis_; }
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(millis_));
  }

 private:
  std::atomic<core::UnixMillis> millis_;
};

}  // namespace trapline::tests
