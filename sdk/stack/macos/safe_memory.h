#pragma once

/// Reads memory of this process that may not be there, by the kernel, without faulting. Takes no lock and no memory:
/// for the crash handler, whose other threads stand still.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

namespace trapline::sdk {

/// Answers how many bytes there were, from the first on.
std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes);

/// Reads from a window of memory that moves along, so that neighbours cost one call of the kernel.
class MemoryWindow {
 public:
  bool copy(std::uintptr_t from, void* to, std::size_t bytes) {
    if (from < at_ || from + bytes > at_ + bytes_ || from + bytes < from) {
      if (bytes > content_.size()) return read_memory(from, to, bytes) == bytes;
      at_ = from;
      bytes_ = read_memory(from, content_.data(), content_.size());
      if (bytes_ < bytes) return false;
    }
    std::memcpy(to, content_.data() + (from - at_), bytes);
    return true;
  }

  /// Nothing when it cannot be read.
  std::optional<std::uintptr_t> word(std::uintptr_t at) {
    std::uintptr_t value = 0;
    return copy(at, &value, sizeof value) ? std::optional(value) : std::nullopt;
  }

 private:
  std::uintptr_t at_ = 0;
  std::size_t bytes_ = 0;
  std::array<std::byte, 1'024> content_;  // read into
};

/// A part of the address space that is the same throughout.
struct MemoryRegion {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;  ///< 0: there is none
  bool is_accessible = false;
  bool is_executable = false;
};
/// The one that an address lies in, else the next one above it.
MemoryRegion find_region(std::uintptr_t address);

/// Whether there is code at an address.
bool is_code(std::uintptr_t address);

}  // namespace trapline::sdk
