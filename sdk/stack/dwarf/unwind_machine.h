#pragma once

#include <cstdint>

namespace trapline::sdk {

/// What the unwind tables' rules mean on the processor that this is built for; each has a file of its own.
struct UnwindMachine {
  // By the numbers that DWARF gives to the processor's registers.
  std::uint64_t frame_pointer;
  std::uint64_t stack_pointer;
  std::uint64_t return_address;
  bool pushes_return;           ///< a call puts the return address right below the CFA; else into a register
  bool signs_returns;           ///< what is saved as a return address may have a signature in its upper bits
  std::uintptr_t address_bits;  ///< those of a return address that are an address
};
extern const UnwindMachine kUnwindMachine;

}  // namespace trapline::sdk
