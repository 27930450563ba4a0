#pragma once

/// Gathers identical errors. Of each the first in a window goes out at once, and so do the tenth, hundredth, … as
/// samples; the second is written too, but held back until the window ends, when it goes out with the number of all
/// that it stands for. The rest is only counted: a loop that captures the same error a million times costs a look into
/// this table each, and two or three events every few seconds.
///
/// The table lies in the recorder's file, so the counts of a process that was killed are not lost.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "sdk/core/clock.h"
#include "sdk/recorder/event_record.h"

namespace trapline::sdk {

/// One error in its window. Plain numbers: whoever reads them after a kill may find one that was being changed, and
/// then a count is off by one.
struct RepeatSlot {
  std::uint64_t key = 0;  ///< 0: free
  core::UnixMillis first = 0;
  core::UnixMillis last = 0;
  std::uint64_t seen = 0;     ///< in this window
  std::uint64_t counted = 0;  ///< of these, those without an event of their own
  EventIdBytes held_id{};     ///< the event that will carry the count; all zero: none
};
static_assert(sizeof(RepeatSlot) == 56);

/// What becomes of one more occurrence.
enum class RepeatDecision : std::uint8_t {
  kSend,   ///< write it, send it
  kHold,   ///< write it, hold it back until the window ends
  kCount,  ///< it is counted; there is nothing to write
};

/// An event that was held back and whose window has ended.
struct FinishedRepeat {
  EventIdBytes held_id{};
  std::uint64_t count = 0;  ///< itself included
  core::UnixMillis last = 0;
};

/// Thread-safe.
class RepeatTable {
 public:
  static constexpr std::size_t kSlots = 256;

  /// `memory` has room for kSlots slots, all zero.
  RepeatTable(char* memory, std::chrono::milliseconds window)
      : slots_(reinterpret_cast<RepeatSlot*>(memory)), window_(window.count()) {}

  /// Counts an occurrence. `event_id` is the one it would have; for kCount it becomes that of the event it is counted
  /// into. Without a window, and when the table is full of other errors, everything is sent.
  RepeatDecision count(std::uint64_t key, core::UnixMillis now, EventIdBytes& event_id);

  /// The event that was to be held could not be written: the next occurrence is held in its stead.
  void forget_held(std::uint64_t key);

  /// Ends the windows that are over, or all, and answers those that held an event.
  std::vector<FinishedRepeat> finish(core::UnixMillis now, bool all);

  /// When the next window that holds an event ends; 0: there is none.
  [[nodiscard]] core::UnixMillis next_end() const;

  /// The events that a process that is gone held back.
  static std::vector<FinishedRepeat> read(const char* memory);

 private:
  RepeatSlot* find(std::uint64_t key, core::UnixMillis now);
  [[nodiscard]] bool is_over(const RepeatSlot& slot, core::UnixMillis now) const;

  mutable std::mutex mutex_;
  RepeatSlot* slots_;  ///< guarded by mutex_
  core::UnixMillis window_;
};

}  // namespace trapline::sdk
