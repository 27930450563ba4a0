#include "sdk/stack/module_list.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <system_error>

#include <elf.h>
#include <link.h>

#include "sdk/core/hex.h"

namespace trapline::sdk {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;

/// Notes are padded to four bytes (System V ABI, "Note Section").
std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// The build id among the notes of one segment, as hex; empty when it is not there.
std::string find_build_id(const std::byte* notes, std::size_t size) {
  constexpr char kOwner[] = "GNU";
  std::size_t position = 0;
  while (position + sizeof(ElfW(Nhdr)) <= size) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes + position, sizeof header);
    const std::size_t name = position + sizeof header;
    const std::size_t content = name + padded(header.n_namesz);
    if (content + header.n_descsz > size) return {};
    const bool is_gnu = header.n_namesz == sizeof kOwner && std::memcmp(notes + name, kOwner, sizeof kOwner) == 0;
    if (is_gnu && header.n_type == NT_GNU_BUILD_ID) {
      return core::to_hex(std::span(notes + content, header.n_descsz));
    }
    position = content + padded(header.n_descsz);
  }
  return {};
}

/// The loader names the program itself with an empty text.
std::string path_of(const dl_phdr_info& info) {
  if (info.dlpi_name != nullptr && *info.dlpi_name != '\0') return info.dlpi_name;
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

int add_module(dl_phdr_info* info, std::size_t, void* argument) {
  auto& modules = *static_cast<std::vector<core::Module>*>(argument);
  core::Module module;
  module.path = path_of(*info);
  std::uintptr_t end = 0;
  std::uintptr_t start = UINTPTR_MAX;
  for (const auto& header : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
    const std::uintptr_t address = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      start = std::min(start, address);
      end = std::max<std::uintptr_t>(end, address + header.p_memsz);
    }
    if (header.p_type == PT_NOTE && module.build_id.empty()) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): the loader gives addresses as numbers
      module.build_id = find_build_id(reinterpret_cast<const std::byte*>(address), header.p_memsz);
    }
  }
  if (end > start) {
    module.base = start;
    module.bias = info->dlpi_addr;
    module.size = end - start;
    modules.push_back(std::move(module));
  }
  return 0;
}

struct ElfFile {
  std::string build_id;
  std::uintptr_t first_address = 0;  ///< that is loaded
};

/// Nothing when it is no program, no library and no file of debug information of this machine's kind.
std::optional<ElfFile> read_elf_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  ElfW(Ehdr) header{};
  file.read(reinterpret_cast<char*>(&header), sizeof header);
  const bool is_elf =
      file && std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 && header.e_phentsize == sizeof(ElfW(Phdr));
  if (!is_elf) return std::nullopt;
  std::vector<ElfW(Phdr)> segments(header.e_phnum);
  file.seekg(static_cast<std::streamoff>(header.e_phoff));
  file.read(reinterpret_cast<char*>(segments.data()),
            static_cast<std::streamsize>(segments.size() * sizeof(ElfW(Phdr))));
  if (!file) return std::nullopt;
  ElfFile read{"", UINTPTR_MAX};
  constexpr std::size_t kMostNotes = std::size_t{1} << 20;
  for (const ElfW(Phdr) & segment : segments) {
    if (segment.p_type == PT_LOAD) read.first_address = std::min<std::uintptr_t>(read.first_address, segment.p_vaddr);
    if (segment.p_type != PT_NOTE || !read.build_id.empty() || segment.p_filesz > kMostNotes) continue;
    std::vector<std::byte> notes(segment.p_filesz);
    file.seekg(static_cast<std::streamoff>(segment.p_offset));
    file.read(reinterpret_cast<char*>(notes.data()), static_cast<std::streamsize>(notes.size()));
    if (file) read.build_id = find_build_id(notes.data(), notes.size());
    file.clear();
  }
  return read.first_address != UINTPTR_MAX ? std::optional(std::move(read)) : std::nullopt;
}

}  // namespace

std::optional<core::Module> read_module_file(const std::string& path, std::uintptr_t base, std::uintptr_t end) {
  const auto file = read_elf_file(path);
  if (!file || end <= base) return std::nullopt;
  return core::Module{path, file->build_id, base, end - base, base - file->first_address / kPageBytes * kPageBytes};
}

std::string read_build_id(const std::string& path) {
  const auto file = read_elf_file(path);
  return file ? file->build_id : std::string();
}

std::vector<core::Module> list_modules() {
  std::vector<core::Module> modules;
  dl_iterate_phdr(add_module, &modules);
  return modules;
}

std::uint64_t count_module_changes() {
  std::uint64_t changes = 1;
  const auto read_counters = [](dl_phdr_info* info, std::size_t, void* sum) {
    *static_cast<std::uint64_t*>(sum) += info->dlpi_adds + info->dlpi_subs;
    return 1;  // they are the same for every module
  };
  dl_iterate_phdr(read_counters, &changes);
  return changes;
}

}  // namespace trapline::sdk
