#pragma once

#include <atomic>
#include <cstdint>

namespace trapline::sdk {

/// A file descriptor of ours in a process whose owner may close all there are and have the number given to a file of
/// its own: before it is used, it is looked at. Async-signal-safe.
class KnownFile {
 public:
  constexpr KnownFile() = default;
  void remember(int descriptor);
  [[nodiscard]] int descriptor() const { return descriptor_.load(); }
  [[nodiscard]] bool is_still_there() const;
  /// Closes it if it is still there.
  void close();

 private:
  std::atomic<int> descriptor_{-1};
  std::atomic<std::uint64_t> device_{0};
  std::atomic<std::uint64_t> number_{0};  ///< of the inode
};

}  // namespace trapline::sdk
