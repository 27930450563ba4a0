#pragma once

#include <atomic>
#include <cstdint>

#include <windows.h>

#include "sdk/crash/crash_area.h"
#include "sdk/crash/crash_handler.h"

namespace trapline::sdk {

/// The crash of Windows' C library: the number that its signal() has for abort(). All else are the system's exception
/// codes, which are negative as signed numbers.
constexpr std::int32_t kAbort = 22;

/// What a crash handler finds when it is called: plain memory, filled in before.
struct CrashSite {
  std::atomic<char*> memory{nullptr};  ///< the recorder's mapping; nullptr: there is none to write into
  std::atomic<bool> is_allowed{true};  ///< false: the user has not consented to reports
  std::atomic<CopyThreadScopes> copy_thread_scopes{nullptr};
  std::atomic<DWORD> crashing_thread{0};  ///< the first one; 0: nothing has happened
  std::atomic<bool> is_dying{false};      ///< a crash was written, and nobody has mended it
};

CrashSite& crash_site();

/// A crash as the system tells of it.
struct CaughtException {
  std::int32_t code = 0;
  const EXCEPTION_RECORD* record = nullptr;  ///< nullptr: of an abort()
  const CONTEXT* context = nullptr;
};

}  // namespace trapline::sdk
