/// DWARF for the Arm 64-bit Architecture, "DWARF register names".

#include "sdk/stack/dwarf/unwind_machine.h"

namespace trapline::sdk {

constinit const UnwindMachine kUnwindMachine{.frame_pointer = 29,
                                             .stack_pointer = 31,
                                             .return_address = 30,
                                             .pushes_return = false,
                                             .signs_returns = true,
                                             .address_bits = (std::uintptr_t{1} << 48U) - 1};

}  // namespace trapline::sdk
