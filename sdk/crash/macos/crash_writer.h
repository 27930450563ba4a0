#pragma once

#include "sdk/crash/crash_area.h"
#include "sdk/crash/macos/machine.h"

namespace trapline::sdk {

/// A crash of a thread that stands still.
struct Crash {
  thread_t thread = MACH_PORT_NULL;
  std::uint64_t thread_id = 0;
  int signal = 0;  ///< that the system makes of it
  int code = 0;    ///< as in siginfo_t, or of crash_code.h
  std::uint64_t address = 0;
  bool was_sent = false;  ///< by kill(), raise(), abort(), and not by an instruction
  std::int32_t sender_pid = 0;
  std::uint32_t sender_uid = 0;
  MachineState machine;
};

/// Writes it into the recorder, stage by stage, from the first that is not done yet. No lock, no memory of the C
/// library's: the other threads stand still. A crash inside is to be answered by calling it again: it goes on with the
/// next stage.
void write_crash(const CrashArea& area, const Crash& crash);

/// Forgets how far an earlier crash was written.
void begin_crash(const CrashArea& area);

}  // namespace trapline::sdk
