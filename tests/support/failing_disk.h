#pragma once

/// A disk that fails when it is told to. failing_disk.cpp puts its functions before the C library's.

#include <atomic>

namespace trapline::tests {

extern std::atomic<int> failing_reads;  ///< the next pread() calls that answer EIO
extern std::atomic<int> failing_syncs;  ///< the same for fdatasync()

}  // namespace trapline::tests
