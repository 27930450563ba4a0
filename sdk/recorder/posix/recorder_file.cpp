#include "sdk/recorder/recorder_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/recorder/posix/file_calls.h"
#include "sdk/recorder/posix/single_pages.h"

namespace trapline::sdk {
namespace {

core::Error failed(const std::string& what, const std::string& path) {
  return {"recorder_failed", what + " '" + path + "': " + std::strerror(errno)};  // NOLINT(concurrency-mt-unsafe)
}

int descriptor(std::intptr_t file) { return static_cast<int>(file); }

Mapping map(int file, std::size_t bytes, int protection, int flags) {
  void* const memory = mmap(nullptr, bytes, protection, flags, file, 0);
  if (memory == MAP_FAILED) return {};
  if ((protection & PROT_WRITE) != 0) bring_in_single_pages(memory, bytes);
  return {static_cast<char*>(memory), bytes};
}

}  // namespace

Mapping Mapping::of_memory(std::size_t bytes) {
  return map(-1, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
}

void Mapping::undo() {
  if (memory_ != nullptr) munmap(std::exchange(memory_, nullptr), bytes_);
}

core::Result<RecorderFile> RecorderFile::create(const std::string& path, std::size_t bytes) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return failed("cannot create", path);
  RecorderFile made(file, path);
  if (lock_recorder_file(file) && reserve_recorder_blocks(file, bytes)) return made;
  const core::Error error = failed("cannot reserve " + std::to_string(bytes) + " bytes for", path);
  made.remove();
  return error;
}

std::optional<RecorderFile> RecorderFile::take(const std::string& path) {
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return std::nullopt;
  RecorderFile taken(file, path);
  struct stat status {};
  // Another process may have taken it, and removed it, between the listing and the lock.
  const bool is_ours = lock_recorder_file(file) && fstat(file, &status) == 0 && status.st_nlink > 0;
  return is_ours ? std::optional(std::move(taken)) : std::nullopt;
}

std::size_t RecorderFile::bytes() const {
  struct stat status {};
  return fstat(descriptor(file_), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

Mapping RecorderFile::map_shared(std::size_t bytes) const {
  return map(descriptor(file_), bytes, PROT_READ | PROT_WRITE, MAP_SHARED);
}
Mapping RecorderFile::map_to_read(std::size_t bytes) const {
  return map(descriptor(file_), bytes, PROT_READ, MAP_PRIVATE);
}

core::Status RecorderFile::rename(const std::string& to) {
  if (std::rename(path_.c_str(), to.c_str()) != 0) return failed("cannot rename", path_);
  path_ = to;
  return {};
}

bool RecorderFile::remove() {
  unlink(path_.c_str());
  return true;
}

std::optional<std::uint32_t> RecorderFile::read_number(std::size_t place) const {
  std::uint32_t number = 0;
  const bool is_read = pread(descriptor(file_), &number, sizeof number, static_cast<off_t>(place)) ==
                       static_cast<ssize_t>(sizeof number);
  return is_read ? std::optional(number) : std::nullopt;
}

bool RecorderFile::write_number(std::size_t place, std::uint32_t number) const {
  return pwrite(descriptor(file_), &number, sizeof number, static_cast<off_t>(place)) ==
         static_cast<ssize_t>(sizeof number);
}

void RecorderFile::close() {
  if (is_open()) ::close(descriptor(std::exchange(file_, kNone)));
}

}  // namespace trapline::sdk
