#include "sdk/stack/system_modules.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace trapline::sdk {

bool is_system_module(const std::string& path) {
  // "linux-vdso" is the kernel's, in every process.
  constexpr std::string_view kBeginnings[] = {"/lib/",       "/lib64/",       "/usr/lib/",
                                              "/usr/lib64/", "/usr/libexec/", "linux-vdso"};
  return path.find("/libtrapline.so") != std::string::npos ||
         std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                     [&](std::string_view beginning) { return path.starts_with(beginning); });
}

}  // namespace trapline::sdk
