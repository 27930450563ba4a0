#pragma once

/// What differs between processors in a minidump.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/types.h>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// As in the crash record: the program counter, the stack pointer, and the others.
using DumpRegisters = std::array<std::uint64_t, kCrashRegisters>;

/// Of a thread that is stopped by ptrace(2). False when they cannot be had.
bool read_registers(pid_t thread, DumpRegisters& registers);

/// A register's place in the format's CONTEXT.
struct ContextField {
  std::uint16_t place;
  std::uint8_t bytes = 8;  ///< or 4
};

/// The format's names for a processor (winnt.h: PROCESSOR_ARCHITECTURE, CONTEXT and its ContextFlags).
struct DumpMachine {
  std::uint16_t architecture;
  std::size_t context_bytes;
  std::size_t flags_place;                ///< of ContextFlags
  std::uint32_t flags;                    ///< which registers there are
  std::span<const ContextField> context;  ///< in the order of DumpRegisters
};
extern const DumpMachine kDumpMachine;

}  // namespace trapline::sdk
