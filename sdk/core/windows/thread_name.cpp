#include "sdk/core/windows/thread_name.h"

#include <cstddef>

#include <winternl.h>

namespace trapline::core {

std::array<char, 16> thread_name(HANDLE thread) {
  // GetThreadDescription() allocates; this is what it calls (THREAD_NAME_INFORMATION, a UNICODE_STRING and its text).
  constexpr ULONG kThreadNameInformation = 38;
  using Query = NTSTATUS(NTAPI*)(HANDLE, ULONG, PVOID, ULONG, PULONG);
  const auto query = reinterpret_cast<Query>(reinterpret_cast<void*>(&NtQueryInformationThread));
  struct Name {
    UNICODE_STRING text;
    std::array<wchar_t, 256> room;
  };
  Name name{};
  std::array<char, 16> short_name{};
  const NTSTATUS status = query(thread, kThreadNameInformation, &name, sizeof name, nullptr);
  if (status < 0 || name.text.Buffer == nullptr) return short_name;
  std::size_t at = 0;
  for (std::size_t unit = 0; unit < name.text.Length / sizeof(wchar_t); ++unit) {
    const auto code = static_cast<unsigned>(name.text.Buffer[unit]);
    const bool is_ascii = code < 0x80;
    if (at + 1 >= short_name.size()) break;
    short_name[at++] = is_ascii ? static_cast<char>(code) : '?';
  }
  return short_name;
}

}  // namespace trapline::core
