#pragma once

#include "sdk/core/event.h"
#include "sdk/stack/symbolizer.h"

namespace trapline::sdk {

/// Makes an event's raw stack readable: fills in `frames` and the modules they are in, and demangles the exceptions'
/// types. Slow; on the worker thread.
void make_readable(core::Event& event, Symbolizer& symbolizer);

/// Whether a frame belongs to the app: not the system's libraries, not ours, not the C++ library's own functions.
bool is_in_app(const std::string& module_path, const std::string& function);

}  // namespace trapline::sdk
