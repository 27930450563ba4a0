#include "collector/storage/archive/folder_objects.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "collector/storage/backup_files.h"
#include "sdk/core/random.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;
using core::Error;
using core::Result;
using core::Status;

/// No object's name has a part that begins so.
constexpr std::string_view kUnfinishedObject = ".part-";

Error error_of_folder(const fs::filesystem_error& error, const fs::path& folder) {
  const std::error_code& code = error.code();
  const std::string message = "the archive " + folder.string() + ": " + error.what();
  if (code == std::errc::no_space_on_device || code == std::error_code(EDQUOT, std::generic_category())) {
    return {"archive_full", "the archive " + folder.string() + " is full: give it room"};
  }
  if (code == std::errc::permission_denied || code == std::errc::read_only_file_system) {
    return {"archive_refused", message};
  }
  return {"archive_unavailable", message};
}

Error bad_name(std::string_view name) {
  return {"invalid_archive", "'" + std::string(name) + "' is no name of an archive's object"};
}

/// Runs `work` on the folder, if it is there.
template <class Work>
auto on_folder(const fs::path& folder, std::string_view name, Work work) -> decltype(work()) {
  if (!is_object_name(name)) return bad_name(name);
  try {
    if (!fs::is_directory(folder)) {
      return Error{"archive_missing",
                   "there is no folder " + folder.string() + " for the archive: make it, or mount what it is on"};
    }
    return work();
  } catch (const fs::filesystem_error& error) {
    return error_of_folder(error, folder);
  }
}

}  // namespace

FolderObjects::FolderObjects(const std::string& folder) : folder_(fs::path(folder).lexically_normal()) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // a slash at the end
}

void FolderObjects::make_parents(const fs::path& path) const {
  if (path == folder_ || fs::is_directory(path)) return;
  make_parents(path.parent_path());
  fs::create_directory(path);
  fs::permissions(path, fs::perms::owner_all);
  sync_folder(path.parent_path());
}

Status FolderObjects::put(std::string_view name, std::string_view bytes) {
  return on_folder(folder_, name, [&]() -> Status {
    const fs::path path = folder_ / name;
    make_parents(path.parent_path());
    const auto write = [&] {
      write_whole(path.parent_path() / (std::string(kUnfinishedObject) + core::random_hex(8)), path, bytes);
    };
    try {
      write();
    } catch (const fs::filesystem_error& error) {
      // Somebody has taken it for what was left behind (remove_unfinished()).
      if (error.code() != std::errc::no_such_file_or_directory) throw;
      make_parents(path.parent_path());
      write();
    }
    return {};
  });
}

Result<std::optional<std::string>> FolderObjects::get(std::string_view name) {
  return on_folder(folder_, name, [&]() -> Result<std::optional<std::string>> {
    const fs::path path = folder_ / name;
    std::error_code missing;
    if (fs::file_size(path, missing) > kMostBytes && !missing) {
      return Error{"archive_damaged", path.string() + " is larger than any object of an archive"};
    }
    return read_file(path);
  });
}

Result<std::optional<std::string>> FolderObjects::get_first(std::string_view name, std::size_t bytes) {
  return on_folder(folder_, name,
                   [&]() -> Result<std::optional<std::string>> { return read_file(folder_ / name, bytes); });
}

Result<bool> FolderObjects::exists(std::string_view name) {
  return on_folder(folder_, name, [&]() -> Result<bool> { return fs::is_regular_file(folder_ / name); });
}

Result<std::vector<ObjectStore::Entry>> FolderObjects::list_entries(std::string_view prefix) {
  const std::size_t slash = prefix.rfind('/');
  const std::string_view parent = slash == std::string_view::npos ? std::string_view() : prefix.substr(0, slash);
  // An empty prefix is that of all names.
  return on_folder(folder_, parent.empty() ? "all" : parent, [&]() -> Result<std::vector<Entry>> {
    std::vector<Entry> entries;
    const fs::path below = parent.empty() ? folder_ : folder_ / parent;
    if (!fs::is_directory(below)) return entries;
    for (const fs::directory_entry& file : fs::recursive_directory_iterator(below)) {
      if (!file.is_regular_file()) continue;
      std::string name = file.path().lexically_relative(folder_).generic_string();
      if (!is_object_name(name) || !name.starts_with(prefix)) continue;
      if (const auto time = written_at(file.path())) entries.push_back({std::move(name), *time});
    }
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  });
}

Status FolderObjects::remove(std::string_view name) {
  return on_folder(folder_, name, [&]() -> Status {
    fs::remove(folder_ / name);
    const fs::path parent = (folder_ / name).parent_path();
    if (fs::is_directory(parent)) sync_folder(parent);
    return {};
  });
}

Status FolderObjects::remove_unfinished() {
  return on_folder(folder_, "all", [&]() -> Status {
    std::vector<fs::path> parts;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder_)) {
      const fs::path name = entry.path().lexically_relative(folder_);
      if (is_object_name(name.parent_path().generic_string()) &&
          name.filename().string().starts_with(kUnfinishedObject))
        parts.push_back(entry.path());
    }
    for (const fs::path& part : parts) fs::remove(part);
    return {};
  });
}

}  // namespace trapline::collector
