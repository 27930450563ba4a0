#include "tests/support/failing_disk.h"

#include <cerrno>
#include <cstddef>

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace trapline::tests {

std::atomic<int> failing_reads{0};
std::atomic<int> failing_syncs{0};

}  // namespace trapline::tests

using trapline::tests::failing_reads;
using trapline::tests::failing_syncs;

extern "C" ssize_t pread(int file, void* to, std::size_t size, off_t offset) {
  if (failing_reads > 0) {
    --failing_reads;
    errno = EIO;
    return -1;
  }
  return syscall(SYS_pread64, file, to, size, offset);
}

extern "C" int fdatasync(int file) {
  if (failing_syncs > 0) {
    --failing_syncs;
    errno = EIO;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, file));
}
