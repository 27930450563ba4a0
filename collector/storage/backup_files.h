#pragma once

/// Files as backups and attachments need them: on the disk when a function returns, readable for their owner only. What
/// fails is thrown as std::filesystem::filesystem_error, which names the file and why.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace trapline::collector {

struct FileDigest {
  std::uint64_t bytes = 0;
  std::string sha256;  ///< in hex
};

/// Copies as much of the file as is there; nothing when there is none. Another process may append to it meanwhile.
std::optional<FileDigest> copy_synced(const std::filesystem::path& from, const std::filesystem::path& to);

/// Reads the file, and brings it to the disk.
FileDigest sync_file(const std::filesystem::path& path);

/// All of it, or its first bytes; nothing when there is none.
std::optional<std::string> read_file(const std::filesystem::path& path,
                                     std::size_t most = std::numeric_limits<std::size_t>::max());

/// When the file was written last, in Unix milliseconds; nothing when there is no such file.
std::optional<std::int64_t> written_at(const std::filesystem::path& path);

void write_file(const std::filesystem::path& path, std::string_view text);

/// A file of that name that is whole or not there: made as `part`, in the same folder, and renamed.
void write_whole(const std::filesystem::path& part, const std::filesystem::path& path, std::string_view bytes);
/// What was made, renamed or removed in the folder.
void sync_folder(const std::filesystem::path& path);

}  // namespace trapline::collector
