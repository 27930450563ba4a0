#include "sdk/crash/posix/safe_memory.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sdk/crash/posix/known_file.h"

namespace trapline::sdk {
namespace {

constexpr std::size_t kSystemPage = 4096;

/// The kernel copies what is written into a pipe, and says so when it cannot read it.
KnownFile reading_end;
KnownFile writing_end;

/// Within a page.
std::size_t copy_by_pipe(std::uintptr_t from, void* to, std::size_t bytes) {
  if (!reading_end.is_still_there() || !writing_end.is_still_there()) return 0;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  const ssize_t written = write(writing_end.descriptor(), reinterpret_cast<const void*>(from), bytes);
  if (written <= 0) return 0;
  const ssize_t got = ::read(reading_end.descriptor(), to, static_cast<std::size_t>(written));
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

std::size_t copy_within_page(std::uintptr_t from, void* to, std::size_t bytes) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  const iovec remote{reinterpret_cast<void*>(from), bytes};
  const iovec local{to, bytes};
  const long got = syscall(SYS_process_vm_readv, getpid(), &local, 1, &remote, 1, 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  return errno == EFAULT ? 0 : copy_by_pipe(from, to, bytes);
}

}  // namespace

void prepare_safe_memory() {
  if (writing_end.is_still_there()) return;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  reading_end.remember(ends[0]);
  writing_end.remember(ends[1]);
}

std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const std::uintptr_t at = from + done;
    if (at < from) break;  // past the end of all addresses
    const std::size_t part = std::min(bytes - done, kSystemPage - at % kSystemPage);
    const std::size_t got = copy_within_page(at, static_cast<std::byte*>(to) + done, part);
    done += got;
    if (got < part) break;
  }
  return done;
}

}  // namespace trapline::sdk
