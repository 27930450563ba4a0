#include "sdk/core/this_thread.h"

#include <array>
#include <cstring>

#include <windows.h>

#include "sdk/core/clock.h"
#include "sdk/core/windows/thread_name.h"
#include "sdk/core/windows/wide_text.h"

namespace trapline::core::this_thread {

std::uint64_t id() { return GetCurrentThreadId(); }

std::string_view name() {
  constexpr std::int64_t kSecond = 1'000;
  struct Known {
    std::int64_t named_at = 0;
    std::array<char, 16> name{};
  };
  thread_local Known known;
  const std::int64_t now = coarse_millis();
  if (known.named_at == 0 || now - known.named_at >= kSecond) {
    known.named_at = now;
    known.name = thread_name(GetCurrentThread());
  }
  return {known.name.data(), strnlen(known.name.data(), known.name.size())};
}

void set_name(const char* name) {
  // Since Windows 10, 1607: not there on all that this runs on.
  using SetDescription = HRESULT(WINAPI*)(HANDLE, PCWSTR);
  static const auto kSet = reinterpret_cast<SetDescription>(
      reinterpret_cast<void*>(GetProcAddress(GetModuleHandleW(L"kernelbase.dll"), "SetThreadDescription")));
  if (kSet != nullptr) kSet(GetCurrentThread(), widen(name).c_str());
}

void forget_after_fork() {}

}  // namespace trapline::core::this_thread
