#pragma once

#include <cstdint>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// The programs and libraries mapped into this process now, with their build ids. Any thread; not from a signal
/// handler.
std::vector<core::Module> list_modules();

/// A number that changes when modules were loaded or unloaded; never 0. Any thread; not from a signal handler.
std::uint64_t count_module_changes();

}  // namespace trapline::sdk
