#pragma once

/// Output that grows as it is written and stops at a limit: what every decompressor of ours writes into, so that a bomb
/// costs no more memory than the limit allows, and a small body no more than it needs.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace trapline::core {

class BoundedBuffer {
 public:
  explicit BoundedBuffer(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// Room for more output, at least one byte until is_over().
  std::span<char> room() {
    if (written_ == bytes_.size()) {
      // One byte past the limit tells "exactly full" from "too much".
      const bool is_unlimited = max_bytes_ == std::numeric_limits<std::size_t>::max();
      const std::size_t ceiling = max_bytes_ + (is_unlimited ? 0 : 1);
      bytes_.resize(std::min(std::max(kFirstBytes, bytes_.size() * 2), ceiling));
    }
    return std::span(bytes_).subspan(written_);
  }

  /// Counts what was written into the room.
  void advance(std::size_t count) { written_ += count; }

  /// Whether more was written than the limit allows.
  [[nodiscard]] bool is_over() const { return written_ > max_bytes_; }

  [[nodiscard]] std::size_t max_bytes() const { return max_bytes_; }
  [[nodiscard]] std::size_t written() const { return written_; }
  [[nodiscard]] std::size_t allocated() const { return bytes_.capacity(); }

  /// What was written. The buffer is spent.
  std::string take() {
    bytes_.resize(written_);
    return std::move(bytes_);
  }

 private:
  static constexpr std::size_t kFirstBytes = std::size_t{64} * 1024;

  std::size_t max_bytes_;
  std::size_t written_ = 0;
  std::string bytes_;
};

}  // namespace trapline::core
