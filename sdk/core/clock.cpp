#include "sdk/core/clock.h"

namespace trapline::core {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] UnixMillis unix_millis() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady_now() const override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace

const Clock& system_clock() {
  // Never destroyed: threads that outlive main may still ask for the time.
  static const Clock* const kClock = new SystemClock;
  return *kClock;
}

}  // namespace trapline::core
