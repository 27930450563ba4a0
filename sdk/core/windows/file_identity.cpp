#include "sdk/core/file_identity.h"

#include <windows.h>

#include "sdk/core/windows/wide_text.h"

namespace trapline::core {

std::uint64_t file_identity(const std::string& path) {
  constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  HANDLE file = CreateFileW(widen(path).c_str(), FILE_READ_ATTRIBUTES, kShared, nullptr, OPEN_EXISTING, 0, nullptr);
  if (file == INVALID_HANDLE_VALUE) return 0;
  BY_HANDLE_FILE_INFORMATION information{};
  const bool is_known = GetFileInformationByHandle(file, &information) != 0;
  CloseHandle(file);
  return is_known ? (std::uint64_t{information.nFileIndexHigh} << 32U) | information.nFileIndexLow : 0;
}

}  // namespace trapline::core
