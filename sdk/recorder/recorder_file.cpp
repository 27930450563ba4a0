#include "sdk/recorder/recorder_file.h"

#include <utility>

namespace trapline::sdk {

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

RecorderFile::RecorderFile(RecorderFile&& other) noexcept
    : file_(std::exchange(other.file_, kNone)), path_(std::move(other.path_)) {}

RecorderFile& RecorderFile::operator=(RecorderFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  return *this;
}

}  // namespace trapline::sdk
