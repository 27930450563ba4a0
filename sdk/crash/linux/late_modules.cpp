#include "sdk/crash/late_modules.h"

#include <algorithm>
#include <string>
#include <utility>

#include "sdk/crash/posix/proc_file.h"
#include "sdk/stack/module_list.h"

namespace trapline::sdk {

void add_late_modules(std::string_view maps, std::vector<core::Module>& modules) {
  std::string_view lines = maps;
  MapsLine first;  // of a file
  std::uintptr_t end = 0;
  bool is_executable = false;
  const auto add_new = [&] {
    const bool is_known = std::any_of(modules.begin(), modules.end(),
                                      [&](const core::Module& module) { return module.base == first.begin; });
    // What is not executable is a file of data: of the recorder, opening and closing it would drop the lock on it.
    if (!is_executable || is_known) return;
    if (auto module = read_module_file(std::string(first.path), first.begin, end))
      modules.push_back(std::move(*module));
  };
  while (!lines.empty()) {
    const std::size_t line_end = std::min(lines.find('\n'), lines.size());
    MapsLine line;
    const bool is_line = parse_maps_line(lines.substr(0, line_end), line);
    lines.remove_prefix(std::min(line_end + 1, lines.size()));
    if (!is_line) continue;
    if (line.path == first.path && line.offset != 0) {
      end = line.end;
      is_executable = is_executable || line.is_executable;
      continue;
    }
    add_new();
    first = line;
    end = line.end;
    is_executable = line.is_executable;
  }
  add_new();
}

}  // namespace trapline::sdk
