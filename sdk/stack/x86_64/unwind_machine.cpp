/// System V Application Binary Interface, AMD64 Architecture Processor Supplement, "DWARF Register Number Mapping".

#include "sdk/stack/dwarf/unwind_machine.h"

namespace trapline::sdk {

constinit const UnwindMachine kUnwindMachine{.frame_pointer = 6,
                                             .stack_pointer = 7,
                                             .return_address = 16,
                                             .pushes_return = true,
                                             .signs_returns = false,
                                             .address_bits = ~std::uintptr_t{0}};

}  // namespace trapline::sdk
