#pragma once

/// What differs between processors in a crash report.

#include <array>
#include <cstddef>
#include <cstdint>

#include <mach/mach.h>
#include <sys/ucontext.h>

#include "sdk/crash/registers.h"
#include "sdk/recorder/crash_record.h"
#include "sdk/stack/macos/frame_walk.h"

namespace trapline::sdk {

/// A thread as it was interrupted.
struct MachineState {
  FrameRegisters frame;
  std::array<std::uint64_t, kCrashRegisters> registers{};  ///< named by register_name() (registers.h)
  std::size_t register_count = 0;
  FaultAccess access = FaultAccess::kUnknown;
};

/// Of a thread that stands still.
MachineState read_machine_state(thread_t thread);
/// As a signal's handler is told.
MachineState read_machine_state(const ucontext_t& context);

/// The si_code of an arithmetic exception's first code (mach/<processor>/exception.h).
int arithmetic_code(std::int64_t code);

/// Of a thread that stands still; all 0 when the kernel does not tell.
FrameRegisters read_frame_registers(thread_t thread);

}  // namespace trapline::sdk
