#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace trapline::sdk {

/// The functions that a program or library of GCC's or clang's names in its COFF symbol table, unless that was stripped
/// (Microsoft's "PE Format", "COFF Symbol Table"). By address within the image.
class CoffSymbols {
 public:
  /// Empty when the file has none, or cannot be read.
  explicit CoffSymbols(const std::string& path);

  /// The linker's name of the function at an offset from the image's base; "": not known.
  [[nodiscard]] std::string name_at(std::uint64_t offset) const;

 private:
  struct Symbol {
    std::uint64_t offset = 0;
    std::uint32_t name = 0;  ///< where it begins in `names_`
    std::uint32_t length = 0;
  };
  std::vector<Symbol> symbols_;
  std::string names_;
};

}  // namespace trapline::sdk
