#include "sdk/stack/module_list.h"

#include <array>
#include <atomic>
#include <fstream>
#include <span>
#include <utility>

#include <dlfcn.h>
#include <mach-o/dyld.h>
#include <mach-o/fat.h>
#include <mach-o/loader.h>

#include "sdk/core/hex.h"
#include "sdk/stack/macos/macho_image.h"

namespace trapline::sdk {
namespace {

std::atomic<std::uint64_t> changes{1};

void count_change(const mach_header*, std::intptr_t) { changes.fetch_add(1, std::memory_order_relaxed); }

/// dyld calls them for the images that are there, and from now on. They must stay where they are.
void listen_to_dyld() {
  static const bool kIsListening = [] {
    Dl_info own{};
    if (dladdr(&changes, &own) != 0) dlopen(own.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    _dyld_register_func_for_add_image(count_change);
    _dyld_register_func_for_remove_image(count_change);
    return true;
  }();
  static_cast<void>(kIsListening);
}

std::string hex_uuid(const MachoImage& image) {
  return image.has_uuid ? core::to_hex(std::span<const std::byte>(image.uuid)) : std::string();
}

template <class Record>
bool read_record(std::ifstream& file, std::uint64_t at, Record& record) {
  file.seekg(static_cast<std::streamoff>(at));
  file.read(reinterpret_cast<char*>(&record), sizeof record);
  return static_cast<bool>(file);
}

/// Where the part for this machine's processor begins in a file that has parts for several; such a file is big-endian.
std::uint64_t find_own_part(std::ifstream& file) {
  const auto swapped = [](std::uint32_t number) { return __builtin_bswap32(number); };
  fat_header header{};
  if (!read_record(file, 0, header) || swapped(header.magic) != FAT_MAGIC) return 0;
  constexpr std::uint32_t kMostParts = 32;
  const auto* const own = reinterpret_cast<const mach_header_64*>(_dyld_get_image_header(0));
  for (std::uint32_t index = 0; index < swapped(header.nfat_arch) && index < kMostParts; ++index) {
    fat_arch part{};
    if (!read_record(file, sizeof header + index * sizeof part, part)) break;
    if (own != nullptr && static_cast<cpu_type_t>(swapped(static_cast<std::uint32_t>(part.cputype))) == own->cputype) {
      return swapped(part.offset);
    }
  }
  return 0;
}

std::optional<MachoImage> read_macho_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::uint64_t begin = find_own_part(file);
  file.clear();
  mach_header_64 header{};
  if (!read_record(file, begin, header) || header.magic != MH_MAGIC_64) return std::nullopt;
  MachoImage image;
  std::uint64_t at = begin + sizeof header;
  const std::uint64_t end = at + header.sizeofcmds;
  for (std::uint32_t index = 0; index < header.ncmds && at < end; ++index) {
    load_command command{};
    if (!read_record(file, at, command) || command.cmdsize < sizeof command) break;
    uuid_command uuid{};
    if (command.cmd == LC_UUID && read_record(file, at, uuid)) {
      std::copy_n(reinterpret_cast<const std::byte*>(uuid.uuid), image.uuid.size(), image.uuid.begin());
      image.has_uuid = true;
    }
    segment_command_64 segment{};
    const bool is_segment = command.cmd == LC_SEGMENT_64 && read_record(file, at, segment);
    if (is_segment && std::string_view(segment.segname) == SEG_TEXT) image.text_address = segment.vmaddr;
    at += command.cmdsize;
  }
  return image;
}

}  // namespace

std::vector<core::Module> list_modules() {
  std::vector<core::Module> modules;
  const std::uint32_t count = _dyld_image_count();
  modules.reserve(count);
  for (std::uint32_t index = 0; index < count; ++index) {
    // nullptr when one was unloaded meanwhile.
    const auto begin = reinterpret_cast<std::uintptr_t>(_dyld_get_image_header(index));
    const char* const path = _dyld_get_image_name(index);
    MachoImage image;
    if (begin == 0 || path == nullptr || !read_macho_image(begin, image)) continue;
    modules.push_back(
        {path, hex_uuid(image), begin, image.text_bytes, begin - image.text_address, core::ModuleFormat::kMachO});
  }
  return modules;
}

std::optional<core::Module> read_module_file(const std::string& path, std::uintptr_t base, std::uintptr_t end) {
  const auto image = read_macho_file(path);
  if (!image || end <= base) return std::nullopt;
  return core::Module{path, hex_uuid(*image), base, end - base, base - image->text_address, core::ModuleFormat::kMachO};
}

std::string read_build_id(const std::string& path) {
  const auto image = read_macho_file(path);
  return image ? hex_uuid(*image) : std::string();
}

std::uint64_t count_module_changes() {
  listen_to_dyld();
  return changes.load(std::memory_order_relaxed);
}

}  // namespace trapline::sdk
