#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trapline::sdk {

/// What a program or library that is loaded says of itself (Mach-O, mach-o/loader.h).
struct MachoImage {
  std::array<std::byte, 16> uuid{};
  bool has_uuid = false;
  std::uintptr_t text_address = 0;  ///< where its code was to be loaded …
  std::uintptr_t text_bytes = 0;    ///< … and how much of it there is, from the image's beginning on
};

/// Reads the image that begins at an address. False when there is none. Takes no lock and no memory.
bool read_macho_image(std::uintptr_t begin, MachoImage& image);

/// Calls `take(begin, path, state)` for every image in the process, dyld too, without dyld's lock, which a thread that
/// stands still may hold: from the list that dyld keeps for debuggers (mach-o/dyld_images.h). Too long a path is cut
/// off. May be called where a crash handler runs. One caller at a time.
void for_each_image(void (*take)(std::uintptr_t begin, std::string_view path, void* state), void* state);

}  // namespace trapline::sdk
