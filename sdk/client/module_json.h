#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// The modules of a process as JSON, for the recorder: whoever reads its stacks after its end needs them.
std::string modules_to_json(const std::vector<core::Module>& modules);

/// Back again; none when the text is damaged.
std::vector<core::Module> parse_modules(std::string_view text);

}  // namespace trapline::sdk
