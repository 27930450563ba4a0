#pragma once

/// What differs between processors in a crash report.

#include <array>
#include <cstddef>
#include <cstdint>

#include <ucontext.h>

#include "sdk/crash/registers.h"
#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Copies the registers of an interrupted thread; answers how many there are. Async-signal-safe.
std::size_t copy_registers(const ucontext_t& context, std::array<std::uint64_t, kCrashRegisters>& registers);

/// Whether a breakpoint leaves the program counter behind its instruction, as a call does. Async-signal-safe.
bool is_trap_passed();

/// What kind of access caused a page fault. Async-signal-safe.
FaultAccess page_fault_access(const ucontext_t& context);

}  // namespace trapline::sdk
