#include "sdk/stack/system_modules.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace trapline::sdk {

bool is_system_module(const std::string& path) {
  constexpr std::string_view kBeginnings[] = {"/System/", "/usr/lib/", "/usr/libexec/", "/Library/Apple/"};
  return path.find("/libtrapline.") != std::string::npos ||
         std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                     [&](std::string_view beginning) { return path.starts_with(beginning); });
}

}  // namespace trapline::sdk
