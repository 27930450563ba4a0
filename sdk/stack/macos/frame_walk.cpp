#include "sdk/stack/macos/frame_walk.h"

namespace trapline::sdk {
namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);

}  // namespace

std::optional<std::uintptr_t> FrameWalk::next() {
  if (is_first_) {
    is_first_ = false;
    return registers_.pc + 1;
  }
  const bool was_interrupted = is_interrupted_;
  is_interrupted_ = false;
  const bool has_more = was_interrupted ? step_out_of_interrupted() : step();
  return has_more ? std::optional(registers_.pc) : std::nullopt;
}

bool FrameWalk::step_out_of_interrupted() {
  const std::uintptr_t link = plain_address(registers_.link);
  const bool has_link = link != 0 && is_code(link - 1);
  if (!is_code(registers_.pc)) {
    // Somebody called an address where no code is: the call has left its return address, and no more.
    if (has_link) {
      registers_.pc = link;
      return true;
    }
    const auto caller = memory_.word(registers_.sp);
    if (registers_.link == 0 && caller && is_code(*caller - 1)) {
      registers_.pc = *caller;
      registers_.sp += kWord;
      return true;
    }
  }
  const bool is_done = step();
  // A function that calls nothing may have made no frame: its caller is in the link register alone. In one that has
  // called something that is an address of its own, which then comes twice: better than to lose a caller.
  if (!has_link || (is_done && registers_.pc == link)) return is_done;
  pending_ = is_done ? registers_.pc : 0;
  registers_.pc = link;
  return true;
}

bool FrameWalk::step() {
  if (pending_ != 0) {
    registers_.pc = pending_;
    pending_ = 0;
    return true;
  }
  // A frame is the caller's frame pointer and the return address. Larger ones than this are none.
  constexpr std::uintptr_t kLargestFrame = std::uintptr_t{64} << 20U;
  const std::uintptr_t frame = registers_.fp;
  if (frame % kWord != 0 || frame < registers_.sp || frame - registers_.sp > kLargestFrame) return false;
  const auto saved = memory_.word(frame);
  const auto caller = memory_.word(frame + kWord);
  if (!saved || !caller || plain_address(*caller) == 0) return false;
  registers_.pc = plain_address(*caller);
  registers_.sp = frame + 2 * kWord;
  registers_.fp = *saved;
  return true;
}

}  // namespace trapline::sdk
