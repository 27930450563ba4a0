#pragma once

/// What a terminate handler needs to write into the crash record.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sdk/crash/crash_area.h"

namespace trapline::sdk {

/// The recorder to write this process's crash into; nullptr: there is none, or reports are not allowed.
char* own_crash_memory();

/// Notes which thread of which process this is.
void identify_thread(CrashBlock& block);

/// Adds rows of fields to the note; false when they do not fit. May be called where a crash handler runs.
bool add_to_note(const CrashArea& area, std::string_view row);

/// Lists the modules that are in the process now, as add_late_modules() (late_modules.h) reads them. Answers the bytes
/// that were written, whole lines only. May be called where a crash handler runs.
std::size_t copy_module_maps(char* to, std::size_t room);

/// Whether the address, one past an instruction, is in the C++ library's function of that name.
bool is_in_function(std::uintptr_t address, std::string_view name);

}  // namespace trapline::sdk
