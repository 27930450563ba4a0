#pragma once

#include <cstddef>

namespace trapline::sdk {

/// Mapped memory, undone at the end.
class Mapping {
 public:
  Mapping() = default;
  Mapping(char* memory, std::size_t bytes) : memory_(memory), bytes_(bytes) {}
  Mapping(Mapping&& other) noexcept : memory_(other.memory_), bytes_(other.bytes_) { other.leak(); }
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { undo(); }

  /// Memory of no file: gone with the process.
  static Mapping of_memory(std::size_t bytes);

  /// nullptr: there is none.
  [[nodiscard]] char* memory() const { return memory_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void undo();
  /// Forgets the mapping without undoing it.
  void leak() { memory_ = nullptr; }

 private:
  char* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace trapline::sdk
