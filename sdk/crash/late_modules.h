#pragma once

#include <string_view>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// Adds the modules that a crash handler has listed (crash_note.h) and that are not known yet: those that were loaded
/// since the list of modules was written.
void add_late_modules(std::string_view maps, std::vector<core::Module>& modules);

}  // namespace trapline::sdk
