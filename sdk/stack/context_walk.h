#pragma once

#include <cstdint>
#include <optional>

#include <ucontext.h>

namespace trapline::sdk {

/// Reads memory that may not be there. Must be async-signal-safe where the walk is to be.
class WordReader {
 public:
  /// Nothing when it cannot be read.
  virtual std::optional<std::uintptr_t> read(std::uintptr_t at) = 0;

 protected:
  ~WordReader() = default;
};

/// Walks a stack of this process from the registers of an interrupted thread outwards, through signal handlers' frames,
/// too. Async-signal-safe: no lock, no allocation, no thread-local variable; whatever the registers and the stack hold.
class ContextWalk {
 public:
  ContextWalk(const ucontext_t& context, WordReader& reader);

  /// The next frame, innermost first: the address after the instruction that is being executed there, as a return
  /// address is. Nothing at the end.
  std::optional<std::uintptr_t> next();

 private:
  static bool is_in_module(std::uintptr_t address);
  /// To the caller's frame. False at the end, or where it cannot be gone on.
  bool step();
  bool step_by_rule();
  bool step_over_signal();
  bool step_by_frame_pointer();
  bool step_out_of_nowhere();

  WordReader& reader_;
  std::uintptr_t pc_ = 0;
  std::uintptr_t sp_ = 0;
  std::uintptr_t fp_ = 0;
  [[maybe_unused]] std::uintptr_t link_ = 0;  ///< the link register, on processors that have one
  bool is_exact_ = true;                      ///< pc_ is an instruction, not a return address
  bool is_first_ = true;
};

/// The registers that a stack is walked by.
struct StackPointers {
  std::uintptr_t pc = 0;
  std::uintptr_t sp = 0;
};
StackPointers stack_pointers(const ucontext_t& context);

}  // namespace trapline::sdk
