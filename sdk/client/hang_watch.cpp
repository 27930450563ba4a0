#include "sdk/client/hang_watch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sdk/client/quiet_thread.h"
#include "sdk/core/clock.h"
#include "sdk/core/this_thread.h"
#include "sdk/crash/thread_stacks.h"

namespace trapline::sdk {
namespace {

using std::chrono::milliseconds;

/// Where threads put their stacks: never freed, since one may answer late.
std::span<CrashThread> stack_room() {
  static auto* const kRoom = new std::array<CrashThread, kCrashThreads>{};
  return *kRoom;
}

}  // namespace

HangWatch::HangWatch(LifeSigns& life, milliseconds timeout, std::function<void(const Hang&)> report)
    : life_(life), timeout_(timeout), report_(std::move(report)) {
  life_.hang_timeout.store(timeout.count());
  thread_ = start_quiet_thread("trapline-watch", [this] { run(); });
}

HangWatch::~HangWatch() {
  is_stopping_ = true;
  wake_up_.signal_urgent();
  thread_.join();
}

void HangWatch::beat() {
  last_beat_.store(core::coarse_millis(), std::memory_order_relaxed);
  beating_thread_.store(core::this_thread::id(), std::memory_order_relaxed);
  life_.heartbeat.store(core::system_clock().unix_millis(), std::memory_order_relaxed);
}

void HangWatch::run() {
  const milliseconds pause = std::clamp(timeout_ / 4, milliseconds{10}, milliseconds{1'000});
  while (!is_stopping_) {
    wake_up_.nap(pause);
    if (!is_stopping_) look();
  }
}

void HangWatch::look() {
  life_.last_look.store(core::system_clock().unix_millis());
  const std::int64_t beat = last_beat_.load(std::memory_order_relaxed);
  const milliseconds silence{core::coarse_millis() - beat};
  if (beat == 0 || beat == reported_beat_ || silence < timeout_) return;
  reported_beat_ = beat;
  const std::span<CrashThread> room = stack_room();
  const std::size_t count = collect_thread_stacks(room, core::this_thread::id(), /*is_urgent=*/false);
  report_({beating_thread_.load(std::memory_order_relaxed), silence, room.first(count)});
}

}  // namespace trapline::sdk
