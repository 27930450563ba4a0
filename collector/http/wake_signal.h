#pragma once

/// A counter in a file descriptor (eventfd(2)): threads that wait for a socket can wait for it at the same time.

#include <cstdint>

namespace trapline::collector {

/// Thread-safe.
class WakeSignal {
 public:
  WakeSignal();
  ~WakeSignal();
  WakeSignal(const WakeSignal&) = delete;
  WakeSignal& operator=(const WakeSignal&) = delete;

  /// Readable as long as more was added than taken.
  [[nodiscard]] int fd() const { return fd_; }

  void add_one();

  /// Takes one off, when there is one.
  bool take_one();

 private:
  int fd_;
};

}  // namespace trapline::collector
