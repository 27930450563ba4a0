#pragma once

/// Stages of writing a crash that are the same on every system. All may be called where a crash handler runs.

#include "sdk/crash/crash_area.h"
#include "sdk/crash/crash_handler.h"

namespace trapline::sdk {

/// The process's scope as it is now.
void copy_scope(const CrashArea& area);
/// The calling thread's, which is the one that has crashed.
void copy_scopes_of_thread(const CrashArea& area, CopyThreadScopes copy);
void copy_breadcrumbs(const CrashArea& area);

}  // namespace trapline::sdk
