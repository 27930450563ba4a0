#include "collector/storage/backup.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "collector/storage/backup_files.h"
#include "collector/storage/file_lock.h"
#include "collector/storage/files/directory_files.h"
#include "collector/storage/sql/issue_changes.h"
#include "collector/storage/sql/migrations.h"
#include "collector/storage/sql/sql_store.h"
#include "collector/storage/sqlite/event_days.h"
#include "collector/storage/sqlite/migrations.h"
#include "collector/storage/sqlite/online_copy.h"
#include "collector/storage/store_options.h"
#include "sdk/core/clock.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;
using sql::Refusal;

constexpr std::string_view kAside = ".before-restore";

fs::path with_ending(fs::path path, std::string_view ending) {
  path += ending;
  return path;
}

/// The path without a slash at its end, so that an ending can be added.
fs::path folder_path(const std::string& text) {
  const fs::path path = fs::path(text).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

void make_folder(const fs::path& path) {
  if (fs::create_directories(path)) fs::permissions(path, fs::perms::owner_all);
}

/// The door: what is thrown inside becomes an Error here.
template <class Work>
Result<BackupManifest> as_result(Work work) {
  try {
    return work();
  } catch (const fs::filesystem_error& error) {
    return Error{"storage", error.what()};
  } catch (...) {
    return sql::error_of_current_exception();
  }
}

/// Copies what waits in the spool. Where reading goes on comes first: what the segments hold from there on may be
/// stored, too, by the time the database is copied, and is known then. A segment that has gone meanwhile is stored.
void copy_spool(const fs::path& from, const fs::path& to, BackupManifest& manifest) {
  if (!fs::is_directory(from)) return;
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    if (entry.is_regular_file()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  std::stable_partition(names.begin(), names.end(), [](const std::string& name) { return name == "position"; });
  make_folder(to);
  for (const std::string& name : names) {
    if (const auto copied = copy_synced(from / name, to / name)) {
      manifest.files.push_back({std::string(kBackedUpSpool) + "/" + name, copied->bytes, copied->sha256});
    }
  }
  sync_folder(to);
}

/// Keeps files from being removed until it is given back. A collector that removes some is done in a moment.
std::shared_ptr<void> hold_files(FileStore& files) {
  constexpr auto kPatience = std::chrono::seconds(60);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (auto hold = files.hold()) return hold;
    if (std::chrono::steady_clock::now() > deadline) {
      throw Refusal("storage", "another backup is at work on the files in " + files.place());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Copies the files that attachments are in. More than the database's copy names does no harm.
void copy_files(FileStore& files, const fs::path& from, const fs::path& to, BackupManifest& manifest) {
  std::vector<std::string> addresses;
  files.list([&](const FileStore::Entry& entry) { addresses.push_back(entry.address); });
  std::sort(addresses.begin(), addresses.end());
  for (const std::string& address : addresses) {
    const fs::path path = fs::path(address.substr(0, 2)) / address.substr(2);
    make_folder(to);
    make_folder((to / path).parent_path());
    const auto copied = copy_synced(from / path, to / path);
    if (!copied) continue;
    sync_folder((to / path).parent_path());
    manifest.files.push_back({(fs::path(kBackedUpFiles) / path).string(), copied->bytes, copied->sha256});
  }
  if (!addresses.empty()) sync_folder(to);
}

/// Where attachments' files are, unless they are in a bucket.
std::string files_of(const BackupOptions& options) {
  return options.files.empty() || is_in_bucket(options.files) ? options.database + ".files" : options.files;
}

BackupManifest write_backup(const BackupOptions& options, const fs::path& folder) {
  BackupManifest manifest;
  manifest.made_by = options.made_by;
  manifest.made_at = core::system_clock().unix_millis();
  const fs::path data = options.data;
  if (const auto key = copy_synced(data / kBackedUpUserKey, folder / kBackedUpUserKey)) {
    manifest.files.push_back({std::string(kBackedUpUserKey), key->bytes, key->sha256});
  }
  // All files that the database names at the moment of its copy are there until they have been copied; also the first
  // one, when it comes just now.
  const bool has_files = !is_in_bucket(options.files);
  DirectoryFiles files(files_of(options));
  const auto hold = has_files ? hold_files(files) : nullptr;
  // Before the database: what leaves the spool in between is stored.
  copy_spool(data / kBackedUpSpool, folder / kBackedUpSpool, manifest);
  const fs::path database = folder / kBackedUpDatabase;
  const fs::path days = folder / kBackedUpDays;
  make_folder(days);
  write_file(database, {});  // so that it is its owner's alone from the beginning
  const auto copied = sqlite::copy_online(options.database, database.string(), options.on_progress);
  manifest.schema_version = copied.schema_version;
  manifest.left_out = copied.left_out;
  for (const std::string& day : copied.days) {
    const FileDigest digest = sync_file(days / day);
    manifest.files.push_back({std::string(kBackedUpDays) + "/" + day, digest.bytes, digest.sha256});
  }
  sync_folder(days);
  const FileDigest digest = sync_file(database);
  manifest.files.push_back({std::string(kBackedUpDatabase), digest.bytes, digest.sha256});
  if (has_files) copy_files(files, files_of(options), folder / kBackedUpFiles, manifest);
  write_file(folder / kManifestName, manifest.to_json());
  sync_folder(folder);
  return manifest;
}

/// Removes what an interrupted backup has left, and nothing else.
void remove_rest(const fs::path& folder) {
  if (!fs::exists(folder)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_ours = name == kManifestName || name == kBackedUpUserKey || name == kBackedUpSpool ||
                         name == kBackedUpFiles || name.starts_with(kBackedUpDatabase);
    if (!is_ours) throw Refusal("exists", entry.path().string() + " is in the way, and of no backup: move it away");
  }
  fs::remove_all(folder);
}

/// Gives the folder its name. One that has it already stays until the new one is there.
void put_in_place(const fs::path& part, const fs::path& target) {
  const fs::path old = with_ending(target, ".old");
  if (fs::exists(target)) {
    remove_rest(old);
    fs::rename(target, old);
  }
  fs::rename(part, target);
  sync_folder(fs::absolute(target).parent_path());
  remove_rest(old);
}

/// Where a file or a folder of a backup goes. It is copied under another name in the same folder first.
struct Place {
  std::string_view name;
  fs::path path;
  fs::path aside;  ///< where what is there already goes

  [[nodiscard]] fs::path part() const { return with_ending(path, ".part"); }
};

/// The database is the last: without it a collector sees that something is missing.
std::vector<Place> places_of(const BackupOptions& options) {
  const fs::path data = folder_path(options.data);
  const fs::path database = options.database;
  const fs::path old_database = with_ending(database, kAside);
  const fs::path files = folder_path(files_of(options));
  return {{kBackedUpSpool, data / kBackedUpSpool, with_ending(data / kBackedUpSpool, kAside)},
          {kBackedUpUserKey, data / kBackedUpUserKey, with_ending(data / kBackedUpUserKey, kAside)},
          {kBackedUpFiles, files, with_ending(files, kAside)},
          {kBackedUpDays, sqlite::day_folder(database.string()), sqlite::day_folder(old_database.string())},
          {kBackedUpDatabase, database, old_database}};
}

std::unique_ptr<FileLock> lock(const std::string& path, const std::string& what) {
  auto lock = FileLock::take(path);
  if (lock) return std::move(*lock);
  if (lock.error().code == "in_use") {
    throw Refusal("data_in_use", "a trapline-collector is serving from " + what + ": stop it first");
  }
  throw Refusal("storage", lock.error().message);
}

/// Refuses when something is in the way, before anything has changed.
void check_places(const std::vector<Place>& places, bool replaces) {
  for (const Place& place : places) {
    if (!fs::exists(place.path)) continue;
    const fs::path& aside = place.aside;
    if (!replaces) {
      throw Refusal("exists", place.path.string() +
                                  " is there already: choose another folder with --data, or let it be "
                                  "replaced with --force; it is kept as " +
                                  aside.string() + " then");
    }
    if (fs::exists(aside)) {
      throw Refusal("exists", aside.string() +
                                  " is there from an earlier restore: move it away, or delete it, and try "
                                  "again");
    }
  }
}

/// Where the file of a backup is copied to first.
fs::path part_of(const std::vector<Place>& places, const std::string& name) {
  for (const Place& place : places) {
    if (name == place.name) return place.part();
    if (name.starts_with(std::string(place.name) + "/")) return place.part() / name.substr(place.name.size() + 1);
  }
  throw Refusal("invalid_backup", "the backup has a file " + name + ", which no backup has");
}

/// Copies a backup's files, and compares them with what the manifest says.
void copy_checked(const fs::path& backup, const BackupManifest& manifest, const std::vector<Place>& places,
                  const BackupProgress& progress) {
  std::uint64_t done = 0;
  for (const BackupManifest::File& file : manifest.files) {
    const fs::path target = part_of(places, file.name);
    make_folder(target.parent_path());
    const auto copied = copy_synced(backup / file.name, target);
    if (!copied) {
      throw Refusal("invalid_backup", "the backup is incomplete: " + (backup / file.name).string() + " is missing");
    }
    if (copied->bytes != file.bytes || copied->sha256 != file.sha256) {
      throw Refusal("invalid_backup", "the backup is damaged: " + (backup / file.name).string() +
                                          " is not what was written (by its SHA-256)");
    }
    done += copied->bytes;
    progress(done, manifest.bytes());
  }
}

void remove_parts(const std::vector<Place>& places) {
  for (const Place& place : places) fs::remove_all(place.part());
}

/// The log of a database goes with it: what stands in it belongs to that one alone, also when that is gone already.
void set_aside(const Place& place) {
  const fs::path log = with_ending(place.path, "-wal");
  if (fs::exists(log)) fs::rename(log, with_ending(place.aside, "-wal"));
  fs::remove(with_ending(place.path, "-shm"));
  if (fs::exists(place.path)) fs::rename(place.path, place.aside);
}

}  // namespace

Result<BackupManifest> make_backup(const BackupOptions& options) {
  const fs::path target = folder_path(options.backup);
  const fs::path part = with_ending(target, ".part");
  return as_result([&] {
    if (!fs::exists(options.database)) {
      throw Refusal("not_found", "there is no database file " + options.database + " to back up");
    }
    if (fs::exists(target) && !options.replaces) {
      throw Refusal("exists", target.string() + " is there already: choose another name, or replace it with --force");
    }
    if (fs::exists(target) && !fs::exists(target / kManifestName)) {
      throw Refusal("exists", target.string() + " is there already and is no backup: it is not replaced");
    }
    remove_rest(part);
    make_folder(part);
    try {
      BackupManifest manifest = write_backup(options, part);
      put_in_place(part, target);
      return manifest;
    } catch (...) {
      std::error_code ignored;
      fs::remove_all(part, ignored);
      throw;
    }
  });
}

Result<BackupManifest> restore_backup(const BackupOptions& options) {
  const auto manifest = BackupManifest::read(options.backup);
  if (!manifest) return manifest.error();
  return as_result([&] {
    sql::refuse_newer_schema(manifest->schema_version, sqlite::migration_texts().size());
    const fs::path data = folder_path(options.data);
    const fs::path database_folder = fs::absolute(options.database).parent_path();
    make_folder(data);
    make_folder(database_folder);
    make_folder(fs::absolute(folder_path(files_of(options))).parent_path());
    const auto data_lock = lock((data / "lock").string(), data.string());
    const auto database_lock = lock(options.database + ".lock", "the database " + options.database);
    const std::vector<Place> places = places_of(options);
    check_places(places, options.replaces);
    remove_parts(places);
    try {
      copy_checked(options.backup, *manifest, places, options.on_progress);
    } catch (...) {
      remove_parts(places);
      throw;
    }
    for (const Place& place : places) {
      set_aside(place);
      if (fs::exists(place.part())) fs::rename(place.part(), place.path);
    }
    sync_folder(data);
    sync_folder(database_folder);
    return *manifest;
  });
}

}  // namespace trapline::collector
