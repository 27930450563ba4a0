#pragma once

#include <atomic>
#include <cstdint>

#include <sys/types.h>

#include "sdk/crash/crash_area.h"
#include "sdk/crash/crash_handler.h"

namespace trapline::sdk {

/// What a crash handler finds when it is called: plain memory, filled in before.
struct CrashSite {
  std::atomic<char*> memory{nullptr};  ///< the recorder's mapping; nullptr: there is none to write into
  std::atomic<pid_t> owner{0};         ///< whose recorder it is: not the child's of a fork
  std::atomic<bool> is_allowed{true};  ///< false: the user has not consented to reports
  std::atomic<CopyThreadScopes> copy_thread_scopes{nullptr};
  std::atomic<std::uint64_t> crashed_thread{0};  ///< whose crash is being written
};

CrashSite& crash_site();

}  // namespace trapline::sdk
