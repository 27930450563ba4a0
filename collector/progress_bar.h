#pragma once

#include <cstdint>
#include <iostream>
#include <string>

#include <unistd.h>

namespace trapline::collector {

/// A bar on standard error, when that is a terminal.
class ProgressBar {
 public:
  ~ProgressBar() {
    if (last_percent_ >= 0) std::cerr << '\n';
  }

  void show(std::uint64_t done, std::uint64_t total) {
    constexpr int kWidth = 40;
    const int percent = total == 0 ? 100 : static_cast<int>(done * 100 / total);
    if (!is_terminal_ || percent == last_percent_) return;
    last_percent_ = percent;
    const int filled = percent * kWidth / 100;
    std::cerr << "\r[" << std::string(static_cast<std::size_t>(filled), '#')
              << std::string(static_cast<std::size_t>(kWidth - filled), '.') << "] " << percent << " %" << std::flush;
  }

 private:
  bool is_terminal_ = isatty(STDERR_FILENO) == 1;
  int last_percent_ = -1;
};

}  // namespace trapline::collector
