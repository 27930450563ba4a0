#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/types.h>

#include "sdk/crash/helper/dump_machine.h"

namespace trapline::sdk {

/// All threads of another process, stopped as long as this lives (ptrace(2)).
class StoppedProcess {
 public:
  static constexpr std::size_t kMostThreads = 128;
  struct Thread {
    pid_t id = 0;
    DumpRegisters registers{};
  };

  explicit StoppedProcess(pid_t process);
  ~StoppedProcess();
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const Thread& operator[](std::size_t index) const { return threads_[index]; }

  /// Answers how many bytes there were, from the first on.
  std::size_t read(std::uintptr_t from, void* to, std::size_t bytes) const;

 private:
  void stop(pid_t thread);

  pid_t process_;
  std::size_t count_ = 0;
  std::array<Thread, kMostThreads> threads_{};
};

}  // namespace trapline::sdk
