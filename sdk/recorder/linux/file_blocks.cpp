#include <cerrno>

#include <fcntl.h>
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
  if (fallocate(file, 0, 0, static_cast<off_t>(bytes)) == 0) return true;
  const bool has_no_such_call = errno == EOPNOTSUPP || errno == ENOSYS;
  return has_no_such_call && ftruncate(file, static_cast<off_t>(bytes)) == 0;
}

}  // namespace trapline::sdk
