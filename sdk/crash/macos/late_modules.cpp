#include "sdk/crash/late_modules.h"

#include <algorithm>
#include <string>

#include "sdk/crash/macos/image_lines.h"

namespace trapline::sdk {

void add_late_modules(std::string_view maps, std::vector<core::Module>& modules) {
  while (!maps.empty()) {
    const std::size_t line_end = std::min(maps.find('\n'), maps.size());
    const auto line = parse_image_line(maps.substr(0, line_end));
    maps.remove_prefix(std::min(line_end + 1, maps.size()));
    if (!line) continue;
    const bool is_known = std::any_of(modules.begin(), modules.end(),
                                      [&](const core::Module& module) { return module.base == line->begin; });
    if (is_known) continue;
    modules.push_back({std::string(line->path), std::string(line->uuid), line->begin, line->end - line->begin,
                       line->begin, core::ModuleFormat::kMachO});
  }
}

}  // namespace trapline::sdk
