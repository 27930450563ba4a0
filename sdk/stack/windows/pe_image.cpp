#include "sdk/stack/windows/pe_image.h"

#include <array>
#include <cstdio>
#include <span>

#include <windows.h>

#include "sdk/core/hex.h"

namespace trapline::sdk {
namespace {

constexpr DWORD kMostSections = 256;
constexpr DWORD kMostDebugEntries = 32;

/// What "RSDS" is followed by: where a program's debug information is to be found.
struct CodeView {
  std::array<char, 4> magic;
  std::array<std::byte, 16> guid;
  std::uint32_t age;
};

/// The place in the file of what is to be at an address of the image.
std::uint64_t place_of(const ReadBytes& read, std::uint64_t sections_at, WORD count, DWORD address) {
  for (DWORD index = 0; index < std::min<DWORD>(count, kMostSections); ++index) {
    IMAGE_SECTION_HEADER section{};
    if (!read(sections_at + index * sizeof section, &section, sizeof section)) return 0;
    const bool is_in = address >= section.VirtualAddress && address - section.VirtualAddress < section.SizeOfRawData;
    if (is_in) return section.PointerToRawData + (address - section.VirtualAddress);
  }
  return 0;
}

std::string hex_of(std::uint32_t number) {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", number);
  return text.data();
}

}  // namespace

std::string PeImage::code_id() const {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%08X%x", timestamp, image_bytes);
  return text.data();
}

std::optional<PeImage> read_pe_image(const ReadBytes& read, bool is_mapped) {
  IMAGE_DOS_HEADER dos{};
  if (!read(0, &dos, sizeof dos) || dos.e_magic != IMAGE_DOS_SIGNATURE || dos.e_lfanew < 0) return std::nullopt;
  const auto headers_at = static_cast<std::uint64_t>(dos.e_lfanew);
  IMAGE_NT_HEADERS64 headers{};
  const bool is_image = read(headers_at, &headers, sizeof headers) && headers.Signature == IMAGE_NT_SIGNATURE &&
                        headers.OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC;
  if (!is_image) return std::nullopt;
  PeImage image;
  image.preferred_base = headers.OptionalHeader.ImageBase;
  image.timestamp = headers.FileHeader.TimeDateStamp;
  image.image_bytes = headers.OptionalHeader.SizeOfImage;
  image.symbols_at = headers.FileHeader.PointerToSymbolTable;
  image.symbol_count = headers.FileHeader.NumberOfSymbols;
  const std::uint64_t sections_at =
      headers_at + offsetof(IMAGE_NT_HEADERS64, OptionalHeader) + headers.FileHeader.SizeOfOptionalHeader;
  const IMAGE_DATA_DIRECTORY& debug = headers.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_DEBUG];
  const std::uint64_t entries_at =
      is_mapped ? debug.VirtualAddress
                : place_of(read, sections_at, headers.FileHeader.NumberOfSections, debug.VirtualAddress);
  const DWORD count = std::min<DWORD>(debug.Size / sizeof(IMAGE_DEBUG_DIRECTORY), kMostDebugEntries);
  for (DWORD index = 0; entries_at != 0 && index < count; ++index) {
    IMAGE_DEBUG_DIRECTORY entry{};
    if (!read(entries_at + index * sizeof entry, &entry, sizeof entry)) break;
    if (entry.Type != IMAGE_DEBUG_TYPE_CODEVIEW) continue;
    CodeView view{};
    const bool is_read = read(is_mapped ? entry.AddressOfRawData : entry.PointerToRawData, &view, sizeof view);
    if (!is_read || std::string_view(view.magic.data(), view.magic.size()) != "RSDS") continue;
    image.build_id = core::to_hex(view.guid) + hex_of(view.age);
    break;
  }
  return image;
}

}  // namespace trapline::sdk
