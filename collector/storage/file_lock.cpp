#include "collector/storage/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace trapline::collector {

core::Result<std::unique_ptr<FileLock>> FileLock::take(const std::string& path) {
  constexpr mode_t kOwnerOnly = 0600;
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (file < 0) return core::Error{"cannot_lock", "cannot write to " + path};
  auto lock = std::unique_ptr<FileLock>(new FileLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return core::Error{"in_use", path + " is locked by another process"};
  return lock;
}

FileLock::~FileLock() { close(file_); }

}  // namespace trapline::collector
