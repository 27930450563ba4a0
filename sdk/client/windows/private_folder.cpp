#include "sdk/client/private_folder.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <windows.h>

#include "sdk/core/windows/wide_text.h"

namespace trapline::sdk {

std::string default_data_folder() {
  const wchar_t* const local = _wgetenv(L"LOCALAPPDATA");
  if (local != nullptr && *local != L'\0') return core::narrow(local) + "\\trapline";
  return core::narrow(std::filesystem::temp_directory_path().wstring()) + "\\trapline";
}

/// What a user's profile holds is that user's alone already, and what stands elsewhere has the rights of its parent.
core::Status make_private_folder(const std::string& path) {
  std::error_code error;
  const std::filesystem::path folder = core::widen(path);
  std::filesystem::create_directories(folder, error);
  if (error) return core::Error{"folder_failed", error.message()};
  if (!std::filesystem::is_directory(folder, error)) return core::Error{"folder_failed", "it is no folder"};
  // Rights are lists here, which say little before they are tried.
  const std::filesystem::path trial = folder / (L"trial-" + std::to_wstring(GetCurrentThreadId()));
  HANDLE file = CreateFileW(trial.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS,
                            FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
  if (file == INVALID_HANDLE_VALUE)
    return core::Error{"folder_failed", "error " + std::to_string(GetLastError()) + " when a file was made in it"};
  CloseHandle(file);
  return {};
}

}  // namespace trapline::sdk
