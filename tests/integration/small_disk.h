#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace trapline::tests {

/// A file system of a few megabytes at a folder, seen by this process and those it starts only: a mount namespace of
/// their own, which takes no rights where the machine lets anybody have one.
class SmallDisk {
 public:
  SmallDisk(std::string folder, std::uint64_t bytes) : folder_(std::move(folder)) {
    std::filesystem::create_directory(folder_);
    const std::string options = "mode=700,size=" + std::to_string(bytes);
    is_mounted_ = enter_namespace() && mount("trapline-test", folder_.c_str(), "tmpfs", 0, options.c_str()) == 0;
    // ctest counts a test that prints this as skipped.
    if (!is_mounted_) std::puts("SKIPPED: this machine lets no test mount a file system of its own");
  }
  ~SmallDisk() {
    if (is_mounted_) umount2(folder_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool is_mounted() const { return is_mounted_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

  /// Fills what is free, to the last byte, or so much of it.
  void fill(std::size_t bytes = std::numeric_limits<std::size_t>::max()) const {
    const int file = open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    for (std::size_t piece = std::size_t{1} << 20; piece > 0 && bytes > 0;) {
      piece = std::min(piece, bytes);
      const ssize_t count = write(file, std::string(piece, 'x').data(), piece);
      if (count <= 0) piece /= 2;
      if (count > 0) bytes -= static_cast<std::size_t>(count);
    }
    close(file);
    REQUIRE((bytes == 0 || std::filesystem::space(folder_).available == 0));
  }
  /// Gives back what fill() took.
  void make_room() const { std::filesystem::remove(filler()); }

 private:
  [[nodiscard]] std::string filler() const { return folder_ + "/filler"; }

  static bool enter_namespace() {
    const auto user = getuid();
    const auto group = getgid();
    if (unshare(CLONE_NEWNS) != 0) {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      write_line("/proc/self/setgroups", "deny");
      write_line("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      write_line("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    }
    // What is mounted here must not be seen elsewhere.
    return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }
  static void write_line(const char* path, const std::string& line) {
    const int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    static_cast<void>(!write(file, line.data(), line.size()));
    close(file);
  }

  std::string folder_;
  bool is_mounted_ = false;
};

}  // namespace trapline::tests
