#pragma once

#include <cstdint>

#include "sdk/stack/dwarf/unwind_rule.h"

namespace trapline::sdk {

/// The rule for an address, from the process's cache of rules, else from the tables. Any thread, no lock; also from a
/// signal handler.
UnwindRule find_rule(std::uintptr_t address);

}  // namespace trapline::sdk
