#pragma once

/// Also for a crash handler, which makes a recorder for a forked child. Async-signal-safe.

#include <cstddef>

namespace trapline::sdk {

/// A lock of the whole file that dies with this process.
bool lock_recorder_file(int file);

/// Reserves the file's blocks. False, with errno, when there is no room for them.
bool reserve_recorder_blocks(int file, std::size_t bytes);

}  // namespace trapline::sdk
