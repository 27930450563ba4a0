#include "sdk/crash/posix/last_words.h"

#include <array>
#include <csignal>
#include <cstring>

#include "sdk/crash/crash_note.h"
#include "sdk/crash/posix/safe_memory.h"
#include "sdk/recorder/fields.h"

namespace trapline::sdk {

void write_last_words(const CrashArea& area, int signal) {
  const std::uintptr_t* const place = crash_site().abort_message.load();
  if (signal != SIGABRT || place == nullptr) return;
  std::uintptr_t message = 0;
  if (read_memory(reinterpret_cast<std::uintptr_t>(place), &message, sizeof message) != sizeof message) return;
  if (message == 0) return;
  static std::array<char, 2048> text;  // the stack may be small
  text.fill('\0');
  const std::size_t got = read_memory(message + sizeof(std::uint32_t), text.data(), text.size() - 1);
  std::size_t length = strnlen(text.data(), got);
  while (length > 0 && text[length - 1] == '\n') --length;
  static std::array<char, field_bytes(0, text.size())> row;
  const std::size_t bytes = write_field(row.data(), FieldKind::kLastWords, 0, {}, {text.data(), length});
  add_to_note(area, {row.data(), bytes});
}

}  // namespace trapline::sdk
