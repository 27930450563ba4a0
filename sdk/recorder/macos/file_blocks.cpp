#include <cerrno>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sdk/recorder/posix/file_calls.h"

namespace trapline::sdk {

bool reserve_recorder_blocks(int file, std::size_t bytes) {
  // Past the limit the kernel would send SIGXFSZ, which ends the app.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < bytes) {
    errno = EFBIG;
    return false;
  }
  fstore_t wanted{};
  wanted.fst_flags = F_ALLOCATEALL;
  wanted.fst_posmode = F_PEOFPOSMODE;
  wanted.fst_length = static_cast<off_t>(bytes);
  const bool is_reserved = fcntl(file, F_PREALLOCATE, &wanted) == 0;
  const bool has_no_such_call = errno == ENOTSUP || errno == EOPNOTSUPP || errno == EINVAL;
  // The blocks are reserved behind the end of the file: it is made as long as they are.
  return (is_reserved || has_no_such_call) && ftruncate(file, static_cast<off_t>(bytes)) == 0;
}

void bring_in_single_pages(void* memory, std::size_t bytes) { madvise(memory, bytes, MADV_RANDOM); }

}  // namespace trapline::sdk
