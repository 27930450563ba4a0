#include "sdk/crash/posix/known_file.h"

#include <sys/stat.h>
#include <unistd.h>

namespace trapline::sdk {

void KnownFile::remember(int descriptor) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return;
  device_.store(status.st_dev);
  number_.store(status.st_ino);
  descriptor_.store(descriptor);
}

bool KnownFile::is_still_there() const {
  const int descriptor = descriptor_.load();
  struct stat status {};
  return descriptor >= 0 && fstat(descriptor, &status) == 0 && status.st_dev == device_.load() &&
         status.st_ino == number_.load();
}

void KnownFile::close() {
  const bool is_ours = is_still_there();
  const int descriptor = descriptor_.exchange(-1);
  if (is_ours) ::close(descriptor);
}

}  // namespace trapline::sdk
