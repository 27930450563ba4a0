#include "sdk/crash/crash_note.h"

#include <unistd.h>

#include "sdk/core/this_thread.h"
#include "sdk/crash/macos/crash_site.h"
#include "sdk/crash/macos/image_lines.h"

namespace trapline::sdk {
namespace {

struct Lines {
  char* to;
  std::size_t room;
  std::size_t written = 0;
};

void add_image(std::uintptr_t begin, std::string_view path, void* state) {
  Lines& lines = *static_cast<Lines*>(state);
  MachoImage image;
  if (!read_macho_image(begin, image)) return;
  lines.written += write_image_line(lines.to + lines.written, lines.room - lines.written, begin, image, path);
}

}  // namespace

char* own_crash_memory() {
  const CrashSite& site = crash_site();
  return site.is_allowed.load() && site.owner.load() == getpid() ? site.memory.load() : nullptr;
}

void identify_thread(CrashBlock& block) {
  block.thread_id = core::this_thread::id();
  block.pid = static_cast<std::uint32_t>(getpid());
  const std::string_view name = core::this_thread::name();
  block.thread_name.fill('\0');
  name.copy(block.thread_name.data(), block.thread_name.size() - 1);
}

std::size_t copy_module_maps(char* to, std::size_t room) {
  Lines lines{to, room};
  for_each_image(add_image, &lines);
  return lines.written;
}

}  // namespace trapline::sdk
