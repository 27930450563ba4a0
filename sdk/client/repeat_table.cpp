#include "sdk/client/repeat_table.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace trapline::sdk {
namespace {

constexpr EventIdBytes kNone{};
constexpr std::size_t kProbes = 8;

bool is_power_of_ten(std::uint64_t number) {
  while (number >= 10 && number % 10 == 0) number /= 10;
  return number == 1;
}

FinishedRepeat finished(const RepeatSlot& slot) { return {slot.held_id, slot.counted + 1, slot.last}; }

}  // namespace

/// A clock that jumped back ends a window, too: else it would last as long as the jump was.
bool RepeatTable::is_over(const RepeatSlot& slot, core::UnixMillis now) const {
  return now - slot.first >= window_ || now < slot.first;
}

/// The key's slot, or one that it may have; nullptr: all are taken. What is held must be finished before a slot is
/// free.
RepeatSlot* RepeatTable::find(std::uint64_t key, core::UnixMillis now) {
  RepeatSlot* free = nullptr;
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    RepeatSlot& slot = slots_[(key + probe) % kSlots];
    if (slot.key == key) return &slot;
    const bool is_free = slot.key == 0 || (is_over(slot, now) && slot.held_id == kNone);
    if (is_free && free == nullptr) free = &slot;
  }
  return free;
}

RepeatDecision RepeatTable::count(std::uint64_t key, core::UnixMillis now, EventIdBytes& event_id) {
  if (window_ == 0) return RepeatDecision::kSend;
  key |= 1;  // 0 means free
  const std::lock_guard lock(mutex_);
  RepeatSlot* const slot = find(key, now);
  if (slot == nullptr) return RepeatDecision::kSend;
  const bool begins = slot->key != key || (is_over(*slot, now) && slot->held_id == kNone);
  if (begins) {
    *slot = {.key = key, .first = now, .last = now, .seen = 1};
    return RepeatDecision::kSend;
  }
  ++slot->seen;
  slot->last = now;
  if (slot->held_id == kNone) {
    slot->held_id = event_id;
    return RepeatDecision::kHold;
  }
  if (is_power_of_ten(slot->seen)) return RepeatDecision::kSend;
  ++slot->counted;
  event_id = slot->held_id;
  return RepeatDecision::kCount;
}

void RepeatTable::forget_held(std::uint64_t key) {
  key |= 1;
  const std::lock_guard lock(mutex_);
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    RepeatSlot& slot = slots_[(key + probe) % kSlots];
    if (slot.key == key) slot.held_id = kNone;
  }
}

std::vector<FinishedRepeat> RepeatTable::finish(core::UnixMillis now, bool all) {
  std::vector<FinishedRepeat> ended;
  if (window_ == 0) return ended;
  const std::lock_guard lock(mutex_);
  for (RepeatSlot& slot : std::span(slots_, kSlots)) {
    if (slot.key == 0 || !(all || is_over(slot, now))) continue;
    if (slot.held_id != kNone) ended.push_back(finished(slot));
    slot = {};
  }
  return ended;
}

core::UnixMillis RepeatTable::next_end() const {
  const std::lock_guard lock(mutex_);
  core::UnixMillis next = 0;
  for (const RepeatSlot& slot : std::span(slots_, kSlots)) {
    if (slot.key == 0 || slot.held_id == kNone) continue;
    const core::UnixMillis end = slot.first + window_;
    if (next == 0 || end < next) next = end;
  }
  return next;
}

std::vector<FinishedRepeat> RepeatTable::read(const char* memory) {
  std::vector<FinishedRepeat> held;
  for (std::size_t index = 0; index < kSlots; ++index) {
    RepeatSlot slot;
    std::memcpy(&slot, memory + index * sizeof slot, sizeof slot);
    if (slot.key != 0 && slot.held_id != kNone) held.push_back(finished(slot));
  }
  return held;
}

}  // namespace trapline::sdk
