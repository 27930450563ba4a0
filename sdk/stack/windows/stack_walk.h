#pragma once

#include <cstdint>
#include <optional>

#include <windows.h>

#include "sdk/stack/stack_bounds.h"

namespace trapline::sdk {

/// Walks a stack from the registers of a thread outwards, by the tables that every 64-bit module has (Microsoft's "x64
/// exception handling"). Allocates nothing. (StackWalk64() does the same by way of dbghelp.dll, which allocates and is
/// not thread-safe.) Reads the stack as it stands: where that is damaged it may fault, which a crash handler must be
/// prepared for (guarded.h).
class StackWalk {
 public:
  /// `bounds`: where the stack is, if the walk must not leave that.
  explicit StackWalk(const CONTEXT& context, StackBounds bounds = {0, UINTPTR_MAX})
      : context_(context), bounds_(bounds) {}

  /// The next frame, innermost first: the address after the instruction that is being executed there, as a return
  /// address is. Nothing at the end.
  std::optional<std::uintptr_t> next();

 private:
  /// To the caller's frame. False at the end, or where it cannot be gone on.
  bool step();

  CONTEXT context_;
  StackBounds bounds_;
  bool is_first_ = true;
};

}  // namespace trapline::sdk
