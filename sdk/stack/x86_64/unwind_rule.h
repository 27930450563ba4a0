#pragma once

#include <cstdint>

namespace trapline::sdk {

/// How to get from a frame to its caller's on x86-64: the canonical frame address (CFA, the stack pointer before the
/// call) is a register plus an offset, the return address stands right below it, and the caller's rbp is either
/// unchanged or saved at an offset from it. Most code needs no more; functions that align their stack have kStored.
struct UnwindRule {
  enum class Kind : std::uint8_t {
    kUnknown,    ///< anything else: the slow way
    kFromRsp,    ///< CFA = rsp + cfa_offset
    kFromRbp,    ///< CFA = rbp + cfa_offset
    kOutermost,  ///< there is no caller
    kStored      ///< CFA = what is stored at rbp + cfa_offset; rbp_offset is from rbp, too
  };
  Kind kind = Kind::kUnknown;
  bool saves_rbp = false;
  std::int32_t cfa_offset = 0;  ///< bytes
  std::int16_t rbp_offset = 0;  ///< of the place where rbp is saved, from the CFA, bytes
};

/// Reads the rule for an address from its module's .eh_frame (Linux Standard Base, "Exception Frames"; DWARF 5, section
/// 6.4). About a microsecond.
/// Async-signal-safe.
UnwindRule read_unwind_rule(std::uintptr_t address);

}  // namespace trapline::sdk
