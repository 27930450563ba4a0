#pragma once

/// What is read of programs and libraries (Microsoft's "PE Format").

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace trapline::sdk {

struct PeImage {
  std::uintptr_t preferred_base = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t image_bytes = 0;
  std::string build_id;          ///< as in core::ModuleFormat::kPe
  std::uint32_t symbols_at = 0;  ///< of the COFF symbol table, in the file; 0: there is none
  std::uint32_t symbol_count = 0;

  /// How symbol servers tell programs apart: the time and the size, in hex.
  [[nodiscard]] std::string code_id() const;
};

/// Copies `bytes` from a place to `to`; false when they are not there.
using ReadBytes = std::function<bool(std::uint64_t place, void* to, std::size_t bytes)>;

/// `is_mapped`: places are those in memory, else those in the file. Nothing when it is no 64-bit program or library.
std::optional<PeImage> read_pe_image(const ReadBytes& read, bool is_mapped);

}  // namespace trapline::sdk
