#include "sdk/stack/module_list.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <windows.h>
#include <psapi.h>

#include "sdk/core/windows/wide_text.h"
#include "sdk/stack/windows/pe_image.h"

namespace trapline::sdk {
namespace {

core::Module module_of(const std::string& path, const PeImage& image, std::uintptr_t base, std::uintptr_t bytes) {
  return {path, image.build_id, base, bytes, base - image.preferred_base, core::ModuleFormat::kPe, image.code_id()};
}

std::optional<PeImage> read_file(const std::string& path) {
  std::ifstream file(std::filesystem::path(core::widen(path)), std::ios::binary);
  return read_pe_image(
      [&](std::uint64_t place, void* to, std::size_t bytes) {
        file.clear();
        file.seekg(static_cast<std::streamoff>(place));
        return static_cast<bool>(file.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes)));
      },
      /*is_mapped=*/false);
}

std::vector<HMODULE> loaded_modules() {
  std::vector<HMODULE> modules(256);
  DWORD needed = 0;
  while (K32EnumProcessModules(GetCurrentProcess(), modules.data(),
                               static_cast<DWORD>(modules.size() * sizeof(HMODULE)), &needed) != 0) {
    const std::size_t count = needed / sizeof(HMODULE);
    const bool is_whole = count <= modules.size();
    modules.resize(count);
    if (is_whole) return modules;
  }
  return {};
}

}  // namespace

std::optional<core::Module> read_module_file(const std::string& path, std::uintptr_t base, std::uintptr_t end) {
  const auto image = read_file(path);
  if (!image || end <= base) return std::nullopt;
  return module_of(path, *image, base, end - base);
}

std::string read_build_id(const std::string& path) {
  const auto image = read_file(path);
  return image ? image->build_id : std::string();
}

std::vector<core::Module> list_modules() {
  std::vector<core::Module> modules;
  for (HMODULE loaded : loaded_modules()) {
    MODULEINFO information{};
    if (K32GetModuleInformation(GetCurrentProcess(), loaded, &information, sizeof information) == 0) continue;
    std::array<wchar_t, 4096> path{};
    const DWORD units = GetModuleFileNameW(loaded, path.data(), static_cast<DWORD>(path.size()));
    const auto* const memory = static_cast<const char*>(information.lpBaseOfDll);
    const std::size_t bytes = information.SizeOfImage;
    // Another thread may unload it meanwhile: then this fails, and does not fault.
    const auto read = [&](std::uint64_t place, void* to, std::size_t wanted) {
      SIZE_T got = 0;
      return place <= bytes && wanted <= bytes - place &&
             ReadProcessMemory(GetCurrentProcess(), memory + place, to, wanted, &got) != 0 && got == wanted;
    };
    if (const auto image = read_pe_image(read, /*is_mapped=*/true)) {
      modules.push_back(module_of(core::narrow({path.data(), units}), *image,
                                  reinterpret_cast<std::uintptr_t>(information.lpBaseOfDll), bytes));
    }
  }
  return modules;
}

/// The system counts nothing, so that what there is tells.
std::uint64_t count_module_changes() {
  std::uint64_t sum = 1;
  for (HMODULE loaded : loaded_modules()) sum = sum * 31 + reinterpret_cast<std::uintptr_t>(loaded);
  return sum != 0 ? sum : 1;
}

}  // namespace trapline::sdk
