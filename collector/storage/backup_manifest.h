#pragma once

/// What a backup consists of: `manifest.json` in its folder.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/records.h"
#include "sdk/core/result.h"

namespace trapline::collector {

constexpr std::string_view kManifestName = "manifest.json";
constexpr std::string_view kBackedUpDatabase = "trapline.db";
/// The folder of the days' files, as sqlite/event_days.h names it.
constexpr std::string_view kBackedUpDays = "trapline.db.days";
constexpr std::string_view kBackedUpUserKey = "user-key";
constexpr std::string_view kBackedUpSpool = "spool";
constexpr std::string_view kBackedUpFiles = "files";  ///< of attachments

struct BackupManifest {
  struct File {
    std::string name;  ///< within the folder; of those in folders "spool/…", "trapline.db.days/…", "files/ab/cdef…"
    std::uint64_t bytes = 0;
    std::string sha256;  ///< in hex
  };
  std::string made_by;  ///< the collector's version
  UnixMillis made_at = 0;
  std::size_t schema_version = 0;
  std::vector<File> files;
  std::vector<std::string> left_out;  ///< files of the store that could not be read, and why

  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::string to_json() const;
  /// Error: "invalid_backup" for what no backup() has written, names of files outside of the folder among it.
  static core::Result<BackupManifest> parse(std::string_view text);
  /// Error: "invalid_backup" when there is none.
  static core::Result<BackupManifest> read(const std::string& folder);
};

}  // namespace trapline::collector
