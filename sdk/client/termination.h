#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sdk/client/crash_event.h"
#include "sdk/recorder/recorder.h"

namespace trapline::sdk {

/// How a process ended whose recorder was left open.
enum class Termination : std::uint8_t {
  kCrash,        ///< a crash signal or std::terminate(): there is a crash record
  kAskedTo,      ///< SIGTERM and the like: it was told to end
  kReboot,       ///< the machine was started anew since
  kOutOfMemory,  ///< the kernel has killed in its cgroup for lack of memory since it started
  kHang,         ///< it had not given a heartbeat for longer than its timeout, and then ended without a word
  kKilled,       ///< SIGKILL, or _exit() without trapline_shutdown()
};

/// What the machine is like now, for comparison.
struct MachineNow {
  std::string boot_id;
  std::uint64_t oom_kills = 0;
  std::uint64_t memory_group = 0;  ///< of which that is the count
};

Termination classify_termination(const AbandonedRecorder& abandoned, const MachineNow& now);

/// An event that says so, with the breadcrumbs and the scope that the process had, its memory, open files and threads.
/// Nothing for a crash, which has an event of its own, for an end that was asked for, and when nobody wants it.
std::unique_ptr<CrashEvent> termination_event(const AbandonedRecorder& abandoned, Termination termination);

}  // namespace trapline::sdk
