#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "sdk/stack/context_walk.h"

namespace trapline::sdk {

/// Opens what read_memory() needs where the system does not let a process read itself by process_vm_readv() (old
/// container runtimes). Once, before any crash.
void prepare_safe_memory();

/// Copies memory of this process that may not be there, without faulting. Answers how many bytes there were, from the
/// first on. Async-signal-safe.
std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes);

/// Reads words of memory that may not be there, a window of so many bytes (a power of 2, at most a page) at a time.
/// Async-signal-safe. It lies on the stack, which may be a small one.
template <std::size_t kWindowBytes>
class SafeWordReader final : public WordReader {
 public:
  std::optional<std::uintptr_t> read(std::uintptr_t at) override {
    std::uintptr_t word = 0;
    if (at % sizeof word != 0) {  // code, which may stand anywhere
      return read_memory(at, &word, sizeof word) == sizeof word ? std::optional(word) : std::nullopt;
    }
    const std::uintptr_t begin = at / kWindowBytes * kWindowBytes;
    if (at_ != begin) {
      at_ = begin;
      bytes_ = read_memory(begin, content_.data(), kWindowBytes);
    }
    const std::size_t offset = at % kWindowBytes;
    if (offset + sizeof word > bytes_) return std::nullopt;
    std::memcpy(&word, content_.data() + offset, sizeof word);
    return word;
  }

 private:
  std::uintptr_t at_ = 1;  // no window begins there
  std::size_t bytes_ = 0;
  std::array<std::byte, kWindowBytes> content_;  // read into
};

}  // namespace trapline::sdk
