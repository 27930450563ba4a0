#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// The programs and libraries mapped into this process now, with their build ids. Any thread; not from a signal
/// handler.
std::vector<core::Module> list_modules();

/// What is known of a file that was mapped into another process, or one that is gone: its build id is read from the
/// file. Nothing when that is no program or library.
std::optional<core::Module> read_module_file(const std::string& path, std::uintptr_t base, std::uintptr_t end);

/// The build id in a program, a library or a file of their debug information; empty when there is none.
std::string read_build_id(const std::string& path);

/// A number that changes when modules were loaded or unloaded; never 0. Any thread; not from a signal handler.
std::uint64_t count_module_changes();

}  // namespace trapline::sdk
