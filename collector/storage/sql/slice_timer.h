#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace trapline::collector::sql {

/// Brings a number of rows nearer to what fits into a transaction that others hardly notice. Lives as long as that one.
class SliceTimer {
 public:
  explicit SliceTimer(std::size_t& slice) : slice_(slice) {}
  SliceTimer(const SliceTimer&) = delete;
  SliceTimer& operator=(const SliceTimer&) = delete;
  ~SliceTimer() {
    const auto taken = std::chrono::steady_clock::now() - start_;
    slice_ = std::clamp(taken > kStepTime ? slice_ / 2 : slice_ + slice_ / 4, kLeastInSlice, kMostInSlice);
  }

 private:
  /// What a transaction is to take, its commit left out.
  static constexpr std::chrono::microseconds kStepTime{2'500};
  static constexpr std::size_t kLeastInSlice = 8;
  static constexpr std::size_t kMostInSlice = 1'024;

  std::size_t& slice_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace trapline::collector::sql
