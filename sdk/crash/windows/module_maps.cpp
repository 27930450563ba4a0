#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include <windows.h>
#include <winternl.h>

#include "sdk/crash/crash_note.h"
#include "sdk/crash/late_modules.h"
#include "sdk/crash/windows/guarded.h"
#include "sdk/stack/module_list.h"

extern "C" PEB* NTAPI RtlGetCurrentPeb();  // ntdll's, without a header of its own

namespace trapline::sdk {
namespace {

/// A line is "<base, hex>-<end, hex> <path>".
struct MapsWriter {
  char* to;
  std::size_t room;
  std::size_t written = 0;
  std::array<char, 1'200> line{};

  void add(std::uintptr_t base, std::uintptr_t end, const UNICODE_STRING& path) {
    char* at = std::to_chars(line.data(), line.data() + 20, base, 16).ptr;
    *at++ = '-';
    at = std::to_chars(at, at + 20, end, 16).ptr;
    *at++ = ' ';
    const int left = static_cast<int>(line.data() + line.size() - at) - 1;
    const int bytes = WideCharToMultiByte(CP_UTF8, 0, path.Buffer, path.Length / static_cast<int>(sizeof(wchar_t)), at,
                                          left, nullptr, nullptr);
    at += bytes;
    *at++ = '\n';
    const auto length = static_cast<std::size_t>(at - line.data());
    if (bytes <= 0 || written + length > room) return;
    std::memcpy(to + written, line.data(), length);
    written += length;
  }
};

std::uintptr_t image_bytes(const char* base) {
  const auto* const dos = reinterpret_cast<const IMAGE_DOS_HEADER*>(base);
  return reinterpret_cast<const IMAGE_NT_HEADERS64*>(base + dos->e_lfanew)->OptionalHeader.SizeOfImage;
}

/// The loader's own list, without its lock, which may be held for ever by now.
void list_modules_of_loader(MapsWriter& writer) {
  const LIST_ENTRY& head = RtlGetCurrentPeb()->Ldr->InMemoryOrderModuleList;
  constexpr int kMost = 4'096;
  const LIST_ENTRY* entry = head.Flink;
  for (int count = 0; entry != &head && count < kMost; entry = entry->Flink, ++count) {
    const auto& module = *CONTAINING_RECORD(entry, LDR_DATA_TABLE_ENTRY, InMemoryOrderLinks);
    const auto base = reinterpret_cast<std::uintptr_t>(module.DllBase);
    writer.add(base, base + image_bytes(static_cast<const char*>(module.DllBase)), module.FullDllName);
  }
}

}  // namespace

std::size_t copy_module_maps(char* to, std::size_t room) {
  static MapsWriter writer;  // the stack may be small, and one crash is written at a time
  writer = {to, room};
  list_modules_of_loader(writer);
  return writer.written;
}

void add_late_modules(std::string_view maps, std::vector<core::Module>& modules) {
  while (!maps.empty()) {
    const std::string_view line = maps.substr(0, std::min(maps.find('\n'), maps.size()));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    std::uintptr_t base = 0;
    std::uintptr_t end = 0;
    const char* const last = line.data() + line.size();
    const auto first = std::from_chars(line.data(), last, base, 16);
    if (first.ec != std::errc{} || first.ptr == last) continue;
    const auto second = std::from_chars(first.ptr + 1, last, end, 16);
    if (second.ec != std::errc{} || second.ptr == last) continue;
    const bool is_known =
        std::any_of(modules.begin(), modules.end(), [&](const core::Module& known) { return known.base == base; });
    if (is_known) continue;
    const std::string path(second.ptr + 1, last);
    if (auto module = read_module_file(path, base, end)) modules.push_back(std::move(*module));
  }
}

}  // namespace trapline::sdk
