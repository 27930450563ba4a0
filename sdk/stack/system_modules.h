#pragma once

#include <string>

namespace trapline::sdk {

/// Whether the program or library is the system's, or this one: never the app's.
bool is_system_module(const std::string& path);

}  // namespace trapline::sdk
