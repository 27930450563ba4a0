#pragma once

/// What differs between processors in a crash report.

#include <array>
#include <cstddef>
#include <cstdint>

#include <ucontext.h>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Copies the registers of an interrupted thread; answers how many there are. Async-signal-safe.
std::size_t copy_registers(const ucontext_t& context, std::array<std::uint64_t, kCrashRegisters>& registers);

/// The name of a register by its place there.
const char* register_name(std::size_t index);

/// What kind of access caused a page fault.
enum class FaultAccess : std::uint64_t { kUnknown = 0, kRead = 1, kWrite = 2, kExecute = 3 };
/// Async-signal-safe.
FaultAccess page_fault_access(const ucontext_t& context);

}  // namespace trapline::sdk
