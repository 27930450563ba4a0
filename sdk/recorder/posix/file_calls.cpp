#include "sdk/recorder/posix/file_calls.h"

#include <fcntl.h>
#include <unistd.h>

namespace trapline::sdk {

bool lock_recorder_file(int file) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return fcntl(file, F_SETLK, &lock) == 0;
}

}  // namespace trapline::sdk
