#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <thread>

#include "sdk/client/wake_up.h"
#include "sdk/recorder/crash_record.h"
#include "sdk/recorder/layout.h"

namespace trapline::sdk {

/// A loop that has given no heartbeat for too long.
struct Hang {
  std::uint64_t thread_id = 0;  ///< that gave the last one
  std::chrono::milliseconds silence{};
  std::span<const CrashThread> threads;  ///< all but the watching one
};

/// Watches the app's main loop: a thread that looks whether heartbeats come. Reports once a hang.
class HangWatch {
 public:
  /// `report` runs on the watching thread. The life signs outlive this object.
  HangWatch(LifeSigns& life, std::chrono::milliseconds timeout, std::function<void(const Hang&)> report);
  ~HangWatch();
  HangWatch(const HangWatch&) = delete;
  HangWatch& operator=(const HangWatch&) = delete;

  /// Any thread; a few instructions.
  void beat();

 private:
  void run();
  void look();

  LifeSigns& life_;
  const std::chrono::milliseconds timeout_;
  const std::function<void(const Hang&)> report_;
  std::atomic<std::int64_t> last_beat_{0};  ///< steady milliseconds; 0: none came yet, so none is missed
  std::atomic<std::uint64_t> beating_thread_{0};
  std::int64_t reported_beat_ = 0;  ///< of the hang that was reported last
  std::atomic<bool> is_stopping_{false};
  WakeUp wake_up_;
  std::thread thread_;
};

}  // namespace trapline::sdk
