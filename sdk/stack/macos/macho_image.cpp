#include "sdk/stack/macos/macho_image.h"

#include <algorithm>
#include <cstring>

#include <mach-o/dyld_images.h>
#include <mach-o/loader.h>
#include <mach/mach.h>

#include "sdk/stack/macos/safe_memory.h"

namespace trapline::sdk {
namespace {

/// A text that ends in NUL, as far as it can be read.
std::string_view read_path(std::uintptr_t at) {
  static std::array<char, 1'024> path;  // one caller at a time
  const std::size_t got = at != 0 ? read_memory(at, path.data(), path.size()) : 0;
  return {path.data(), strnlen(path.data(), got)};
}

}  // namespace

bool read_macho_image(std::uintptr_t begin, MachoImage& image) {
  MemoryWindow memory;
  mach_header_64 header{};
  if (!memory.copy(begin, &header, sizeof header) || header.magic != MH_MAGIC_64) return false;
  constexpr std::uint32_t kMostCommands = 10'000;
  std::uintptr_t at = begin + sizeof header;
  const std::uintptr_t end = at + header.sizeofcmds;
  for (std::uint32_t index = 0; index < std::min(header.ncmds, kMostCommands); ++index) {
    load_command command{};
    if (at + sizeof command > end || !memory.copy(at, &command, sizeof command)) break;
    if (command.cmdsize < sizeof command) break;
    if (command.cmd == LC_UUID) {
      uuid_command found{};
      if (!memory.copy(at, &found, sizeof found)) break;
      std::memcpy(image.uuid.data(), found.uuid, image.uuid.size());
      image.has_uuid = true;
    } else if (command.cmd == LC_SEGMENT_64) {
      segment_command_64 segment{};
      if (!memory.copy(at, &segment, sizeof segment)) break;
      if (std::strncmp(segment.segname, SEG_TEXT, sizeof segment.segname) == 0) {
        image.text_address = segment.vmaddr;
        image.text_bytes = segment.vmsize;
      }
    }
    at += command.cmdsize;
  }
  return image.text_bytes != 0;
}

void for_each_image(void (*take)(std::uintptr_t begin, std::string_view path, void* state), void* state) {
  task_dyld_info_data_t place{};
  mach_msg_type_number_t count = TASK_DYLD_INFO_COUNT;
  const kern_return_t result =
      task_info(mach_task_self(), TASK_DYLD_INFO, reinterpret_cast<task_info_t>(&place), &count);
  static dyld_all_image_infos infos;  // one caller at a time
  infos = {};
  const bool is_read =
      result == KERN_SUCCESS && read_memory(place.all_image_info_addr, &infos,
                                            std::min<std::size_t>(sizeof infos, place.all_image_info_size)) > 0;
  if (!is_read) return;
  // nullptr while it is being changed.
  const auto list = reinterpret_cast<std::uintptr_t>(infos.infoArray);
  const std::uint32_t images = list != 0 ? infos.infoArrayCount : 0;
  MemoryWindow memory;
  for (std::uint32_t index = 0; index < images; ++index) {
    dyld_image_info info{};
    if (!memory.copy(list + index * sizeof info, &info, sizeof info)) break;
    take(reinterpret_cast<std::uintptr_t>(info.imageLoadAddress),
         read_path(reinterpret_cast<std::uintptr_t>(info.imageFilePath)), state);
  }
  constexpr std::uint32_t kTellsOwnPath = 15;
  if (infos.version >= kTellsOwnPath && infos.dyldImageLoadAddress != nullptr) {
    take(reinterpret_cast<std::uintptr_t>(infos.dyldImageLoadAddress),
         read_path(reinterpret_cast<std::uintptr_t>(infos.dyldPath)), state);
  }
}

}  // namespace trapline::sdk
