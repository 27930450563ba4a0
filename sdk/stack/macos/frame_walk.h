#pragma once

#include <cstdint>
#include <optional>

#include "sdk/stack/macos/safe_memory.h"

namespace trapline::sdk {

/// The registers that a stack is walked by.
struct FrameRegisters {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
  std::uintptr_t fp = 0;
  std::uintptr_t link = 0;  ///< the link register; 0 on a processor that has none
};

/// An address without the signature that arm64e puts into its upper bits: a program's own are below 2^47.
constexpr std::uintptr_t plain_address(std::uintptr_t address) { return address & ((std::uintptr_t{1} << 47U) - 1); }

/// Walks a stack of this process from the registers of a thread that stands still outwards, by frame pointers, which
/// Apple's ABI demands. No lock, no allocation; whatever the registers and the stack hold.
class FrameWalk {
 public:
  explicit FrameWalk(const FrameRegisters& registers) : registers_(registers) {}

  /// The next frame, innermost first: the address after the instruction that is being executed there, as a return
  /// address is. Nothing at the end.
  std::optional<std::uintptr_t> next();

 private:
  /// To the caller of the interrupted function. False at the end.
  bool step_out_of_interrupted();
  bool step();

  FrameRegisters registers_;
  std::uintptr_t pending_ = 0;  ///< a frame that comes after the one the link register names
  bool is_first_ = true;
  bool is_interrupted_ = true;
  MemoryWindow memory_;
};

}  // namespace trapline::sdk
