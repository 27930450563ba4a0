#pragma once

/// Backups of a collector that keeps its data in a file: a folder with the database as it was at one moment, the files
/// that attachments are in, what was taken in and not stored by then (the spool), the key that private users are told
/// apart by, and a manifest with the hash of each. A folder and not one file, as its parts can be used as they are, and
/// the key kept elsewhere. What is left out is worth nothing later: locks, and the nonces of signed requests, which are
/// old after minutes.

#include <cstdint>
#include <functional>
#include <string>

#include "collector/storage/backup_manifest.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// Is told how many bytes of how many are done.
using BackupProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

struct BackupOptions {
  std::string database;    ///< file
  std::string data;        ///< the data folder
  std::string files = {};  ///< the folder for attachments' files; empty: where it is without being named
  std::string backup;      ///< folder
  bool replaces = false;   ///< what is there already
  std::string made_by;     ///< the collector's version; of make_backup() only
  BackupProgress on_progress = [](std::uint64_t, std::uint64_t) {};
};

/// Makes a backup, also while a collector runs on the data: what it had acknowledged before the call is in it. Written
/// as `backup`.part, and checked before it gets its name. Errors: "not_found", "exists", "schema_too_new", "storage".
Result<BackupManifest> make_backup(const BackupOptions& options);

/// Puts a backup's files where a collector finds them. With `replaces`, what is there already is kept beside, as
/// *.before-restore. All files are copied and compared with the manifest before the first is put into place, and the
/// database is the last. Errors: "invalid_backup", "schema_too_new", "data_in_use", "exists", "storage".
Result<BackupManifest> restore_backup(const BackupOptions& options);

}  // namespace trapline::collector
