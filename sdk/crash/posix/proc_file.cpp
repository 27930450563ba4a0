#include "sdk/crash/posix/proc_file.h"

#include <array>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "sdk/crash/crash_note.h"

namespace trapline::sdk {
namespace {

constexpr const char* kMaps = "/proc/self/maps";

/// Reads a hexadecimal number from the front of a text and takes it away.
bool take_hex(std::string_view& text, std::uint64_t& number) {
  std::size_t digits = 0;
  number = 0;
  while (digits < text.size()) {
    const char c = text[digits];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) break;
    number = number << 4U | static_cast<std::uint64_t>(digit);
    ++digits;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Calls `take_line(line)` for each line of a file until it answers false. Too long a line is passed over. One at a
/// time.
template <class TakeLine>
void for_each_line(const char* path, TakeLine take_line) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  static std::array<char, 4608> buffer;  // the stack may be small
  std::size_t held = 0;
  bool wants_more = true;
  while (wants_more) {
    const ssize_t got = read(file, buffer.data() + held, buffer.size() - held);
    if (got <= 0) break;
    held += static_cast<std::size_t>(got);
    std::size_t begin = 0;
    while (wants_more) {
      const void* const found = std::memchr(buffer.data() + begin, '\n', held - begin);
      if (found == nullptr) break;
      const auto end = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
      wants_more = take_line(std::string_view(buffer.data() + begin, end - begin));
      begin = end + 1;
    }
    if (begin == 0 && held == buffer.size()) begin = held;
    std::memmove(buffer.data(), buffer.data() + begin, held - begin);
    held -= begin;
  }
  close(file);
}

}  // namespace

std::size_t read_proc_file(const char* path, char* to, std::size_t room) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t got = read(file, to, room);
  close(file);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool parse_maps_line(std::string_view line, MapsLine& parsed) {
  // 7f1c-7f2d r-xp 00001000 08:01 1234   /usr/lib/x.so
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  if (!take_hex(line, begin) || !take(line, '-') || !take_hex(line, end) || !take(line, ' ') || line.size() < 5) {
    return false;
  }
  parsed.begin = begin;
  parsed.end = end;
  parsed.is_readable = line[0] == 'r';
  parsed.is_writable = line[1] == 'w';
  parsed.is_executable = line[2] == 'x';
  line.remove_prefix(4);
  if (!take(line, ' ') || !take_hex(line, parsed.offset)) return false;
  while (!line.empty() && line.front() != '/' && line.front() != '[') line.remove_prefix(1);
  parsed.path = line;
  return true;
}

void for_each_mapping(const char* path, void (*take)(const MapsLine& line, void* state), void* state) {
  for_each_line(path, [&](std::string_view line) {
    MapsLine map;
    if (parse_maps_line(line, map)) take(map, state);
    return true;
  });
}

StackMapping find_stack_mapping(std::uintptr_t sp) {
  StackMapping found;
  for_each_line(kMaps, [&](std::string_view line) {
    MapsLine map;
    const bool is_it = parse_maps_line(line, map) && map.end > sp && map.is_readable && map.is_writable;
    if (is_it) found = {map.begin, map.end};
    return !is_it;
  });
  return found;
}

std::size_t copy_module_maps(char* to, std::size_t room) {
  std::size_t written = 0;
  for_each_line(kMaps, [&](std::string_view line) {
    MapsLine map;
    const bool is_of_module =
        parse_maps_line(line, map) && map.path.starts_with('/') && (map.is_executable || map.offset == 0);
    if (!is_of_module) return true;
    if (written + line.size() + 1 > room) return false;
    std::memcpy(to + written, line.data(), line.size());
    written += line.size();
    to[written++] = '\n';
    return true;
  });
  return written;
}

}  // namespace trapline::sdk
