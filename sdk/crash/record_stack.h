#pragma once

#include <algorithm>
#include <cstdint>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Walks a stack to its end (`walk.next()` answers addresses, innermost first) and keeps its inner and its outer end.
/// May be called where a crash handler runs.
template <class Walk>
void record_stack(Walk& walk, CrashBlock& block) {
  // Reading a stack that has overflowed takes some milliseconds; a damaged one might never end.
  constexpr std::uint64_t kDeepestStack = 1'000'000;
  block.frame_count = 0;
  block.outer_count = 0;
  std::uint64_t depth = 0;
  while (depth < kDeepestStack) {
    const auto address = walk.next();
    if (!address) break;
    if (depth < kCrashFrames) {
      block.frames[depth] = *address;
      block.frame_count = static_cast<std::uint32_t>(depth + 1);
    } else {
      block.outer_frames[depth % kCrashOuterFrames] = *address;
    }
    ++depth;
  }
  if (depth > kCrashFrames) {
    const std::uint64_t outer = std::min<std::uint64_t>(depth - kCrashFrames, kCrashOuterFrames);
    block.outer_count = static_cast<std::uint32_t>(outer);
    // The ring's oldest entry comes first.
    const std::uint64_t oldest = (depth - outer) % kCrashOuterFrames;
    std::rotate(block.outer_frames.begin(), block.outer_frames.begin() + static_cast<std::ptrdiff_t>(oldest),
                block.outer_frames.end());
  }
  block.depth = depth;
}

}  // namespace trapline::sdk
