#include "sdk/crash/posix/safe_memory.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace trapline::sdk {
namespace {

constexpr std::size_t kPage = 4096;

/// The kernel copies what is written into a pipe, and says so when it cannot read it.
std::atomic<int> pipe_reading_end{-1};
std::atomic<int> pipe_writing_end{-1};

/// Within a page.
std::size_t copy_by_pipe(std::uintptr_t from, void* to, std::size_t bytes) {
  if (pipe_writing_end < 0) return 0;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): an address is a number here
  const ssize_t written = write(pipe_writing_end, reinterpret_cast<const void*>(from), bytes);
  if (written <= 0) return 0;
  const ssize_t got = ::read(pipe_reading_end, to, static_cast<std::size_t>(written));
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
  if (pipe_writing_end >= 0) return;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  pipe_reading_end = ends[0];
  pipe_writing_end = ends[1];
}

std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const std::uintptr_t at = from + done;
    if (at < from) break;  // past the end of all addresses
    const std::size_t part = std::min(bytes - done, kPage - at % kPage);
    const std::size_t got = copy_within_page(at, static_cast<std::byte*>(to) + done, part);
    done += got;
    if (got < part) break;
  }
  return done;
}

const SafeWordReader::Page& SafeWordReader::page_of(std::uintptr_t at) {
  const std::uintptr_t begin = at / kPageBytes * kPageBytes;
  if (page_.at != begin) {
    page_.at = begin;
    page_.bytes = read_memory(begin, page_.content.data(), kPageBytes);
  }
  return page_;
}

std::optional<std::uintptr_t> SafeWordReader::read(std::uintptr_t at) {
  if (at % sizeof(std::uintptr_t) != 0) {  // code, which may stand anywhere
    std::uintptr_t word = 0;
    if (read_memory(at, &word, sizeof word) != sizeof word) return std::nullopt;
    return word;
  }
  const Page& page = page_of(at);
  const std::size_t offset = at % kPageBytes;
  if (offset + sizeof(std::uintptr_t) > page.bytes) return std::nullopt;
  std::uintptr_t word = 0;
  std::memcpy(&word, page.content.data() + offset, sizeof word);
  return word;
}

}  // namespace trapline::sdk
