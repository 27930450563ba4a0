#include "collector/storage/files/directory_files.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "collector/storage/backup_files.h"
#include "collector/storage/file_lock.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnfinished = ".part-";
constexpr std::size_t kAddressDigits = 64;

/// Every file below the folder, with the name of the folder that it is in. One that vanishes meanwhile is left out.
void for_each_file(const fs::path& folder, const std::function<void(const std::string&, const fs::path&)>& take) {
  std::error_code error;
  for (const fs::directory_entry& part : fs::directory_iterator(folder, error)) {
    if (!part.is_directory(error)) continue;
    for (const fs::directory_entry& file : fs::directory_iterator(part.path(), error)) {
      take(part.path().filename().string(), file.path());
    }
  }
}

}  // namespace

bool is_file_address(std::string_view text) {
  return text.size() == kAddressDigits && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

DirectoryFiles::DirectoryFiles(const std::string& folder) : folder_(fs::path(folder).lexically_normal()) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // a slash at the end
}

fs::path DirectoryFiles::path_of(std::string_view address) const {
  if (!is_file_address(address)) throw std::runtime_error("'" + std::string(address) + "' is no address of a file");
  return folder_ / address.substr(0, 2) / address.substr(2);
}

void DirectoryFiles::make_folder() const {
  if (!fs::create_directories(folder_)) return;
  fs::permissions(folder_, fs::perms::owner_all);
  sync_folder(fs::absolute(folder_).parent_path());
}

void DirectoryFiles::make_part(const fs::path& folder) const {
  if (fs::is_directory(folder)) return;
  make_folder();
  fs::create_directory(folder);
  fs::permissions(folder, fs::perms::owner_all);
  sync_folder(folder_);
}

void DirectoryFiles::put(std::string_view address, std::string_view bytes) {
  if (contains_lasting(address)) return;
  const fs::path path = path_of(address);
  make_part(path.parent_path());
  const fs::path part = path.string() + std::string(kUnfinished) + core::random_hex(8);
  write_whole(part, path, bytes);
}

// Opened, not only looked up: on a network's disk opening asks the server, where a look-up may answer what was.
bool DirectoryFiles::contains(std::string_view address) {
  const fs::path path = path_of(address);
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno != ENOENT) throw fs::filesystem_error("cannot open", path, {errno, std::generic_category()});
  if (file < 0) return false;
  close(file);
  return true;
}

// Its bytes were on the disk before it got its name, and that is what may be missing there.
bool DirectoryFiles::contains_lasting(std::string_view address) {
  if (!contains(address)) return false;
  sync_folder(path_of(address).parent_path());
  return true;
}

std::optional<std::string> DirectoryFiles::get(std::string_view address) { return read_file(path_of(address)); }

std::optional<std::string> DirectoryFiles::head(std::string_view address, std::size_t bytes) {
  return read_file(path_of(address), bytes);
}

void DirectoryFiles::remove(std::string_view address) { fs::remove(path_of(address)); }

void DirectoryFiles::list(const std::function<void(const Entry&)>& take) {
  for_each_file(folder_, [&](const std::string& part, const fs::path& path) {
    const std::string address = part + path.filename().string();
    if (!is_file_address(address)) return;
    if (const auto time = written_at(path)) take({address, *time});
  });
}

void DirectoryFiles::remove_unfinished(UnixMillis before) {
  for_each_file(folder_, [&](const std::string& /*part*/, const fs::path& path) {
    if (path.filename().string().find(kUnfinished) == std::string::npos) return;
    const auto time = written_at(path);
    if (time && *time < before) fs::remove(path);
  });
}

std::shared_ptr<void> DirectoryFiles::hold() {
  make_folder();
  auto lock = FileLock::take((folder_ / "lock").string());
  if (!lock && lock.error().code != "in_use") throw std::runtime_error(lock.error().message);
  return lock ? std::shared_ptr<void>(std::move(*lock)) : nullptr;
}

}  // namespace trapline::collector
