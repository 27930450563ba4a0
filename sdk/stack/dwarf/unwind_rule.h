#pragma once

#include <cstdint>

namespace trapline::sdk {

/// How to get from a frame to its caller's: the canonical frame address (CFA, the stack pointer before the call) is a
/// register plus an offset, and the return address and the caller's frame pointer are either where they were or saved
/// at an offset from the CFA. Most code needs no more; functions that align their stack have kStored.
/// One word, as the cache keeps it.
class UnwindRule {
 public:
  enum class Kind : std::uint8_t {
    kUnknown,           ///< anything else: the slow way
    kFromStackPointer,  ///< CFA = stack pointer + cfa_offset()
    kFromFramePointer,  ///< CFA = frame pointer + cfa_offset()
    kOutermost,         ///< there is no caller
    kStored  ///< CFA = what is stored at frame pointer + cfa_offset(); frame_pointer_offset is from there, too
  };
  static constexpr std::int32_t kLargestFrame = 1 << 23;
  static constexpr std::int16_t kNotSaved = INT16_MAX;  ///< no multiple of a word

  [[nodiscard]] Kind kind() const { return static_cast<Kind>(cfa_and_kind_ & 0xFF); }
  void set_kind(Kind kind) { cfa_and_kind_ = (cfa_and_kind_ & ~0xFF) | static_cast<std::int32_t>(kind); }
  /// Bytes, from -kLargestFrame on and below kLargestFrame.
  [[nodiscard]] std::int32_t cfa_offset() const { return cfa_and_kind_ >> 8; }
  void set_cfa_offset(std::int32_t offset) { cfa_and_kind_ = offset * 256 | (cfa_and_kind_ & 0xFF); }

  [[nodiscard]] bool saves_frame_pointer() const { return frame_pointer_offset != kNotSaved; }
  /// Else it is in the link register still; always true on processors without one.
  [[nodiscard]] bool saves_return() const { return return_offset != kNotSaved; }

  std::int16_t frame_pointer_offset =
      kNotSaved;                           ///< of the place where the frame pointer is saved, from the CFA, bytes
  std::int16_t return_offset = kNotSaved;  ///< of the return address's place, from the CFA, bytes

 private:
  std::int32_t cfa_and_kind_ = 0;
};

/// Reads the rule for an address from its module's .eh_frame (Linux Standard Base, "Exception Frames"; DWARF 5, section
/// 6.4). About a microsecond.
/// Async-signal-safe.
UnwindRule read_unwind_rule(std::uintptr_t address);

}  // namespace trapline::sdk
