#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "sdk/stack/context_walk.h"

namespace trapline::sdk {

/// Opens what read_memory() needs where the system does not let a process read itself by process_vm_readv() (old
/// container runtimes). Once, before any crash.
void prepare_safe_memory();

/// Copies memory of this process that may not be there, without faulting. Answers how many bytes there were, from the
/// first on. Async-signal-safe.
std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes);

/// Reads words of memory that may not be there, a page at a time. Async-signal-safe.
class SafeWordReader final : public WordReader {
 public:
  std::optional<std::uintptr_t> read(std::uintptr_t at) override;

 private:
  static constexpr std::size_t kPageBytes = 4096;
  struct Page {
    std::uintptr_t at = 1;  ///< no page begins there
    std::size_t bytes = 0;
    std::array<std::byte, kPageBytes> content;
  };
  const Page& page_of(std::uintptr_t at);

  Page page_;
};

}  // namespace trapline::sdk
