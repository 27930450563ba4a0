#include "sdk/recorder/recorder_file.h"

#include <utility>

#include <windows.h>

#include "sdk/core/windows/wide_text.h"

namespace trapline::sdk {
namespace {

/// Others may read it, rename it and remove it; who opens it to write is turned away as long as this one is open.
constexpr DWORD kShared = FILE_SHARE_READ | FILE_SHARE_DELETE;
constexpr DWORD kAccess = GENERIC_READ | GENERIC_WRITE | DELETE;

core::Error failed(const std::string& what, const std::string& path) {
  return {"recorder_failed", what + " '" + path + "': error " + std::to_string(GetLastError())};
}

HANDLE handle(std::intptr_t file) { return reinterpret_cast<HANDLE>(file); }  // NOLINT(performance-no-int-to-ptr)

Mapping map(HANDLE file, std::size_t bytes, DWORD protection, DWORD access) {
  const auto high = static_cast<DWORD>(std::uint64_t{bytes} >> 32U);
  HANDLE section = CreateFileMappingW(file, nullptr, protection, high, static_cast<DWORD>(bytes), nullptr);
  if (section == nullptr) return {};
  void* const memory = MapViewOfFile(section, access, 0, 0, bytes);
  CloseHandle(section);  // the view keeps it
  return memory != nullptr ? Mapping(static_cast<char*>(memory), bytes) : Mapping();
}

bool move_to(HANDLE file, std::size_t place) {
  LARGE_INTEGER distance{};
  distance.QuadPart = static_cast<LONGLONG>(place);
  return SetFilePointerEx(file, distance, nullptr, FILE_BEGIN) != 0;
}

}  // namespace

Mapping Mapping::of_memory(std::size_t bytes) {
  return map(INVALID_HANDLE_VALUE, bytes, PAGE_READWRITE, FILE_MAP_READ | FILE_MAP_WRITE);
}

void Mapping::undo() {
  if (memory_ != nullptr) UnmapViewOfFile(std::exchange(memory_, nullptr));
}

core::Result<RecorderFile> RecorderFile::create(const std::string& path, std::size_t bytes) {
  HANDLE file = CreateFileW(core::widen(path).c_str(), kAccess, kShared, nullptr, CREATE_NEW,
                            FILE_ATTRIBUTE_NORMAL | FILE_FLAG_RANDOM_ACCESS, nullptr);
  if (file == INVALID_HANDLE_VALUE) return failed("cannot create", path);
  RecorderFile made(reinterpret_cast<std::intptr_t>(file), path);
  // Room is taken for all of it: NTFS files are not sparse unless they are made so.
  if (move_to(file, bytes) && SetEndOfFile(file) != 0) return made;
  const core::Error error = failed("cannot reserve " + std::to_string(bytes) + " bytes for", path);
  made.remove();
  return error;
}

std::optional<RecorderFile> RecorderFile::take(const std::string& path) {
  HANDLE file = CreateFileW(core::widen(path).c_str(), kAccess, kShared, nullptr, OPEN_EXISTING,
                            FILE_ATTRIBUTE_NORMAL | FILE_FLAG_RANDOM_ACCESS | FILE_FLAG_OPEN_REPARSE_POINT, nullptr);
  if (file == INVALID_HANDLE_VALUE) return std::nullopt;
  return RecorderFile(reinterpret_cast<std::intptr_t>(file), path);
}

std::size_t RecorderFile::bytes() const {
  LARGE_INTEGER size{};
  return GetFileSizeEx(handle(file_), &size) != 0 ? static_cast<std::size_t>(size.QuadPart) : 0;
}

Mapping RecorderFile::map_shared(std::size_t bytes) const {
  return map(handle(file_), bytes, PAGE_READWRITE, FILE_MAP_READ | FILE_MAP_WRITE);
}
Mapping RecorderFile::map_to_read(std::size_t bytes) const {
  return map(handle(file_), bytes, PAGE_READONLY, FILE_MAP_READ);
}

core::Status RecorderFile::rename(const std::string& to) {
  if (MoveFileExW(core::widen(path_).c_str(), core::widen(to).c_str(), 0) == 0) return failed("cannot rename", path_);
  path_ = to;
  return {};
}

/// A file of which a view is mapped is not removed.
bool RecorderFile::remove() { return DeleteFileW(core::widen(path_).c_str()) != 0; }

std::optional<std::uint32_t> RecorderFile::read_number(std::size_t place) const {
  std::uint32_t number = 0;
  DWORD got = 0;
  const bool is_read =
      move_to(handle(file_), place) && ReadFile(handle(file_), &number, sizeof number, &got, nullptr) != 0;
  return is_read && got == sizeof number ? std::optional(number) : std::nullopt;
}

bool RecorderFile::write_number(std::size_t place, std::uint32_t number) const {
  DWORD written = 0;
  return move_to(handle(file_), place) && WriteFile(handle(file_), &number, sizeof number, &written, nullptr) != 0 &&
         written == sizeof number;
}

void RecorderFile::close() {
  if (is_open()) CloseHandle(handle(std::exchange(file_, kNone)));
}

}  // namespace trapline::sdk
