#pragma once

/// Release health (https://develop.sentry.dev/sdk/telemetry/sessions/). Application mode: one session from start to
/// end, whose state lies in the recorder, so that the next start can tell that it was not ended. Request mode: many
/// short sessions, counted by the minute.

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sdk/client/termination.h"
#include "sdk/core/event.h"
#include "sdk/delivery/event_buffer.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

enum class SessionEnd : std::uint8_t { kHealthy, kErrored, kCrashed, kAbnormal };

/// Thread-safe.
class Sessions {
 public:
  Sessions(SessionBlock& block, std::string release, std::string environment)
      : block_(block), release_(std::move(release)), environment_(std::move(environment)) {}

  /// Begins the application's session and ends one that was open. The envelopes to send.
  std::vector<std::string> start(core::UnixMillis now);
  /// Nothing when none is open.
  std::optional<std::string> end(core::UnixMillis now, SessionEnd end);
  /// An error was captured: a session that ends well counts as errored.
  void note_error() { block_.errors.fetch_add(1, std::memory_order_relaxed); }

  /// One request was served.
  void count_request(core::UnixMillis now, SessionEnd end);
  /// The minutes that are over, or all, as an envelope; nothing when there were no requests.
  std::optional<std::string> take_requests(core::UnixMillis now, bool all);

 private:
  struct Minute {
    core::UnixMillis started = 0;
    std::array<std::uint64_t, 4> counts{};  ///< by SessionEnd
  };
  SessionBlock& block_;
  const std::string release_;
  const std::string environment_;
  std::mutex mutex_;
  std::vector<Minute> minutes_;  ///< guarded by mutex_
};

/// The end of the session that a process which is gone has left open.
std::optional<NewItem> unended_session(const AbandonedRecorder& abandoned, Termination termination,
                                       const core::ProcessFacts& facts);

}  // namespace trapline::sdk
