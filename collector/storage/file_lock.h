#pragma once

#include <memory>
#include <string>

#include "sdk/core/result.h"

namespace trapline::collector {

/// Held by one process at a time; the kernel lets go of it when the process dies, however it dies.
class FileLock {
 public:
  /// Makes the file if need be; it stays. Errors: "cannot_lock" when the file cannot be written to, "in_use" when the
  /// lock is taken.
  static core::Result<std::unique_ptr<FileLock>> take(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

}  // namespace trapline::collector
