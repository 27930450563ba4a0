#include "sdk/stack/system_modules.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <windows.h>

#include "sdk/core/ascii.h"
#include "sdk/core/windows/wide_text.h"

namespace trapline::sdk {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return core::to_lower(c); });
  return text;
}

std::string windows_folder() {
  std::array<wchar_t, MAX_PATH> folder{};
  const UINT units = GetSystemWindowsDirectoryW(folder.data(), static_cast<UINT>(folder.size()));
  return lower(core::narrow({folder.data(), units})) + "\\";
}

}  // namespace

bool is_system_module(const std::string& path) {
  static const std::string kWindows = windows_folder();
  const std::string name = lower(path);
  const std::string_view file = std::string_view(name).substr(name.rfind('\\') + 1);
  // The C++ library lies beside the program.
  constexpr std::string_view kBeginnings[] = {"libtrapline",   "libstdc++", "libgcc_s",
                                              "libwinpthread", "vcruntime", "msvcp"};
  return name.starts_with(kWindows) || std::any_of(std::begin(kBeginnings), std::end(kBeginnings),
                                                   [&](std::string_view text) { return file.starts_with(text); });
}

}  // namespace trapline::sdk
