#include "sdk/crash/crash_note.h"

#include <cstring>

namespace trapline::sdk {

bool add_to_note(const CrashArea& area, std::string_view row) {
  std::atomic<std::uint32_t>& used = area.block().note_bytes;
  const std::uint32_t at = used.load();
  if (at + row.size() > kCrashNoteBytes) return false;
  std::memcpy(area.at(kCrashNoteAt + at), row.data(), row.size());
  used.store(static_cast<std::uint32_t>(at + row.size()));
  return true;
}

}  // namespace trapline::sdk
