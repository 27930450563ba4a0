#pragma once

#include "sdk/crash/posix/crash_site.h"

namespace trapline::sdk {

/// For a crash in the child of a fork that has not called the SDK yet: its parent's recorder is not its own, so it gets
/// one, with what its parent's had of scope, breadcrumbs, facts and modules. Answers its mapping, nullptr when there is
/// no folder or no room in it. Async-signal-safe.
char* make_orphan_recorder(const CrashSite& site);

}  // namespace trapline::sdk
