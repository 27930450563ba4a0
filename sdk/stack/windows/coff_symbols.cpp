#include "sdk/stack/windows/coff_symbols.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <windows.h>

#include "sdk/core/windows/wide_text.h"
#include "sdk/stack/windows/pe_image.h"

namespace trapline::sdk {
namespace {

constexpr std::uint32_t kMostSymbols = 4'000'000;
constexpr std::size_t kRecordBytes = 18;  // IMAGE_SYMBOL, packed

template <class Number>
Number number_at(const char* record, std::size_t at) {
  Number number{};
  std::memcpy(&number, record + at, sizeof number);
  return number;
}

std::string read_rest(std::ifstream& file, std::uint64_t place, std::size_t most) {
  std::string bytes(most, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(place));
  file.read(bytes.data(), static_cast<std::streamsize>(most));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

}  // namespace

CoffSymbols::CoffSymbols(const std::string& path) {
  std::ifstream file(std::filesystem::path(core::widen(path)), std::ios::binary);
  const auto read = [&](std::uint64_t place, void* to, std::size_t bytes) {
    const std::string got = read_rest(file, place, bytes);
    std::memcpy(to, got.data(), got.size());
    return got.size() == bytes;
  };
  const auto image = read_pe_image(read, /*is_mapped=*/false);
  if (!image || image->symbols_at == 0 || image->symbol_count > kMostSymbols) return;
  std::vector<std::uint32_t> sections;  // where each begins in memory
  IMAGE_DOS_HEADER dos{};
  IMAGE_NT_HEADERS64 headers{};
  if (!read(0, &dos, sizeof dos) || !read(static_cast<std::uint64_t>(dos.e_lfanew), &headers, sizeof headers)) return;
  const std::uint64_t sections_at = static_cast<std::uint64_t>(dos.e_lfanew) +
                                    offsetof(IMAGE_NT_HEADERS64, OptionalHeader) +
                                    headers.FileHeader.SizeOfOptionalHeader;
  for (WORD index = 0; index < headers.FileHeader.NumberOfSections; ++index) {
    IMAGE_SECTION_HEADER section{};
    if (!read(sections_at + index * sizeof section, &section, sizeof section)) return;
    sections.push_back(section.VirtualAddress);
  }
  const std::string records = read_rest(file, image->symbols_at, image->symbol_count * kRecordBytes);
  const std::uint64_t names_at = image->symbols_at + std::uint64_t{image->symbol_count} * kRecordBytes;
  std::uint32_t names_bytes = 0;
  if (!read(names_at, &names_bytes, sizeof names_bytes)) return;
  constexpr std::uint32_t kMostNames = 256U << 20U;
  names_ = read_rest(file, names_at, std::min(names_bytes, kMostNames));
  for (std::size_t at = 0; at + kRecordBytes <= records.size();) {
    const char* const record = records.data() + at;
    const auto value = number_at<std::uint32_t>(record, 8);
    const auto section = number_at<std::int16_t>(record, 12);
    const auto type = number_at<std::uint16_t>(record, 14);
    const auto further = number_at<std::uint8_t>(record, 17);
    at += kRecordBytes * (1U + further);
    constexpr std::uint16_t kFunction = 0x20;
    const bool is_function = type == kFunction && section > 0 && static_cast<std::size_t>(section) <= sections.size();
    if (!is_function) continue;
    Symbol symbol{sections[static_cast<std::size_t>(section) - 1] + std::uint64_t{value}};
    if (number_at<std::uint32_t>(record, 0) == 0) {
      symbol.name = number_at<std::uint32_t>(record, 4);
      if (symbol.name >= names_.size()) continue;
      symbol.length = static_cast<std::uint32_t>(strnlen(names_.data() + symbol.name, names_.size() - symbol.name));
    } else {
      symbol.name = static_cast<std::uint32_t>(names_.size());
      symbol.length = static_cast<std::uint32_t>(strnlen(record, 8));
      names_.append(record, symbol.length);
    }
    symbols_.push_back(symbol);
  }
  std::sort(symbols_.begin(), symbols_.end(), [](const Symbol& a, const Symbol& b) { return a.offset < b.offset; });
}

std::string CoffSymbols::name_at(std::uint64_t offset) const {
  auto found = std::upper_bound(symbols_.begin(), symbols_.end(), offset,
                                [](std::uint64_t wanted, const Symbol& symbol) { return wanted < symbol.offset; });
  if (found == symbols_.begin()) return {};
  --found;
  return names_.substr(found->name, found->length);
}

}  // namespace trapline::sdk
