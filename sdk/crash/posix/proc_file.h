#pragma once

/// Reads of /proc that a signal handler may do.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace trapline::sdk {

/// The file's first bytes, at most so many; answers how many. Async-signal-safe.
std::size_t read_proc_file(const char* path, char* to, std::size_t room);

/// A line of /proc/self/maps.
struct MapsLine {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool is_readable = false;
  bool is_writable = false;
  bool is_executable = false;
  std::uint64_t offset = 0;
  std::string_view path;  ///< empty: none; "[stack]" and the like, too
};
/// False when it is none.
bool parse_maps_line(std::string_view line, MapsLine& parsed);

/// Calls `take(line, state)` for every mapping in /proc/self/maps, or in that of another process. Async-signal-safe.
void for_each_mapping(const char* path, void (*take)(const MapsLine& line, void* state), void* state);

struct StackMapping {
  std::uintptr_t begin = 0;  ///< 0: there is none
  std::uintptr_t end = 0;
};
/// The stack that a stack pointer belongs to, also when it has left that through its lower end. Async-signal-safe.
StackMapping find_stack_mapping(std::uintptr_t sp);

}  // namespace trapline::sdk
