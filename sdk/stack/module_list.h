#pragma once

#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// The programs and libraries mapped into this process now, with their build ids. Any thread; not from a signal
/// handler.
std::vector<core::Module> list_modules();

}  // namespace trapline::sdk
