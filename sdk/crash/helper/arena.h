#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace trapline::sdk {

/// A file that is put together in memory: parts are reserved one behind the other, each at a multiple of 8, and
/// addressed by their places. What does not fit any more is left out.
class Arena {
 public:
  explicit Arena(std::span<char> memory) : memory_(memory) {}

  /// Where so many zeros begin; 0 when there is no room.
  std::uint32_t reserve(std::size_t bytes) {
    const std::size_t begin = (used_ + 7) / 8 * 8;
    if (begin + bytes > memory_.size()) return 0;
    std::memset(memory_.data() + begin, 0, bytes);
    used_ = begin + bytes;
    return static_cast<std::uint32_t>(begin);
  }
  template <class Value>
  void put(std::size_t place, const Value& value) {
    if (place + sizeof value <= memory_.size()) std::memcpy(memory_.data() + place, &value, sizeof value);
  }
  char* at(std::size_t place) { return memory_.data() + place; }
  /// Gives back the end of what was reserved last.
  void shrink(std::size_t to) { used_ = to; }
  [[nodiscard]] std::span<const char> used() const { return memory_.first(used_); }

 private:
  std::span<char> memory_;
  std::size_t used_ = 0;
};

}  // namespace trapline::sdk
