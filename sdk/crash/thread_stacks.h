#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sdk/recorder/crash_record.h"

namespace trapline::sdk {

/// Lists the process's threads but one, with their names and stacks. A thread that cannot be asked in time is listed
/// without. Answers how many entries were filled. May be called where a crash handler runs. One caller at a time; a
/// second one is answered 0 meanwhile, but for a crash, which is `urgent`.
std::size_t collect_thread_stacks(std::span<CrashThread> threads, std::uint64_t except, bool is_urgent);

/// In the child of a fork: nobody collects there.
void forget_stack_collection();

}  // namespace trapline::sdk
