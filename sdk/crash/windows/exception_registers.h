#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <windows.h>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Copies a thread's registers, in the order of register_name(); answers how many there are.
std::size_t copy_registers(const CONTEXT& context, std::array<std::uint64_t, kCrashRegisters>& registers);

}  // namespace trapline::sdk
