#include "sdk/recorder/recorder_file.h"

#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sdk/core/checksum.h"

namespace trapline::sdk {

bool lock_recorder_file(int file) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return fcntl(file, F_SETLK, &lock) == 0;
}

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

void begin_recorder_header(RecorderHeader& header, const std::array<char, 32>& run_id, std::size_t bytes) {
  header.magic = kRecorderMagic;
  header.version = kRecorderVersion;
  header.pid = static_cast<std::uint32_t>(getpid());
  header.file_bytes = bytes;
  header.run_id = run_id;
  header.checksum = recorder_header_checksum(header);
}

std::uint64_t recorder_header_checksum(const RecorderHeader& header) {
  return core::fast_checksum(&header, offsetof(RecorderHeader, checksum), kRecorderMagic);
}

}  // namespace trapline::sdk
