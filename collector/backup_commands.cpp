#include "collector/backup_commands.h"

#include <cstdint>
#include <iostream>

#include "collector/progress_bar.h"
#include "collector/storage/backup.h"
#include "collector/storage/database_url.h"

namespace trapline::collector {
namespace {

using core::Error;
using core::Result;
using core::Status;

/// The URL without its password, which is not to be shown; as it would be given to a shell.
std::string shown(const std::string& url) {
  if (url.find("password=") != std::string::npos) return "URL";
  const std::size_t begin = url.find("://") + 3;
  const std::size_t at = url.find('@', begin);
  const std::size_t colon = url.find(':', begin);
  if (at == std::string::npos || colon > at) return "'" + url + "'";
  return "'" + url.substr(0, colon) + url.substr(at) + "'";
}

Error not_sqlite(const Config& config, const std::string& does, const std::string& instead) {
  return {"not_sqlite", does + " is for SQLite. With PostgreSQL: " + instead + ", and keep " + config.data +
                            "/user-key with it: it is what private users are told apart by"};
}

/// The database file, or what to do instead.
Result<std::string> database_file(const Config& config, const std::string& does, const std::string& program) {
  const auto url = parse_database_url(config.database_url());
  if (!url) return url.error();
  if (!url->is_postgres) return url->place;
  return not_sqlite(config, does, program + shown(url->place));
}

std::string size_of(const BackupManifest& manifest) {
  constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
  const std::uint64_t bytes = manifest.bytes();
  return bytes < kMiB ? std::to_string(bytes) + " bytes" : std::to_string(bytes / kMiB) + " MiB";
}

}  // namespace

BackupCommand::BackupCommand(CLI::App& program)
    : command_(program.add_subcommand("backup", "Copy everything into a folder, also while the collector runs")) {
  command_->add_option("FOLDER", backup_, "to be made; it gets its name when all is in it and was checked")->required();
  command_->add_flag("--force", replaces_, "replace a backup that is there already");
  command_->footer(
      "The folder has the database as it was at one moment, the files of attachments, what waited to be stored,\n"
      "user-key, and manifest.json with the SHA-256 of each. Keep it where others cannot read it: user-key is a "
      "secret.\n\n"
      "Examples:\n"
      "  trapline-collector backup /backups/trapline-$(date +%F) --data /var/lib/trapline\n"
      "  trapline-collector backup /backups/latest --force --data /var/lib/trapline\n\n"
      "With PostgreSQL:\n"
      "  pg_dump --format=custom --file=trapline.dump --dbname=postgres://trapline@db.example.com/trapline");
}

Status BackupCommand::run(const Config& config) const {
  const auto database = database_file(config, "backup", "pg_dump --format=custom --file=trapline.dump --dbname=");
  if (!database) return database.error();
  ProgressBar bar;
  const auto manifest =
      make_backup({.database = *database,
                   .data = config.data,
                   .files = config.files,
                   .backup = backup_,
                   .replaces = replaces_,
                   .made_by = TRAPLINE_VERSION,
                   .on_progress = [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); }});
  if (!manifest) return manifest.error();
  for (const std::string& file : manifest->left_out) {
    std::cerr << "warning: left out, as it cannot be read: " << file << '\n';
  }
  std::cout << backup_ << ": " << size_of(*manifest) << " in " << manifest->files.size() << " files\n";
  if (is_in_bucket(config.files)) {
    std::cerr << "attachments stay where they are, in " << config.files
              << ": keep versions of the bucket, or copy it now\n";
  }
  return {};
}

RestoreCommand::RestoreCommand(CLI::App& program)
    : command_(program.add_subcommand("restore", "Put a backup's data, or days of the archive, back")) {
  command_->add_option("FOLDER", backup_, "that backup has made");
  command_->add_flag("--force", replaces_, "replace what is there; it is kept as *.before-restore");
  command_->add_option("--day", archive_.day, "of the archive, instead of a backup: the first day, as in 2026-01-02")
      ->type_name("DATE");
  command_->add_option("--to", archive_.to, "the last day (default: --day)")->type_name("DATE");
  command_->add_option("--project", archive_.project, "of this project alone")->type_name("NAME");
  command_->add_option("--keep-days", archive_.keep_days, "retention leaves the days alone for so long (default 7)")
      ->type_name("DAYS");
  command_->footer(
      "Of a backup: stop the collector first. Every file is compared with the manifest before anything is put into "
      "place.\n"
      "Of the archive (--day): the collector may run. Objects are compared with the manifest before an event is "
      "stored;\n"
      "broken off, run it again.\n\n"
      "Examples:\n"
      "  trapline-collector restore /backups/trapline-2026-11-27 --data /var/lib/trapline\n"
      "  trapline-collector restore /backups/latest --data ./look && trapline-collector serve --data ./look\n"
      "  trapline-collector restore --archive /mnt/cold --day 2026-01-02 --data /var/lib/trapline\n"
      "  trapline-collector restore --archive s3://cold/trapline --day 2026-01-02 --to 2026-01-05 --project shop\n\n"
      "With PostgreSQL, of a backup:\n"
      "  pg_restore --dbname=postgres://trapline@db.example.com/trapline trapline.dump");
}

Status RestoreCommand::run(const Config& config) const {
  if (backup_.empty() == archive_.day.empty()) {
    return Error{"invalid_parameter",
                 "restore takes the folder of a backup, or --archive and --day; trapline-collector restore --help"};
  }
  if (!archive_.day.empty()) return restore_from_archive(config, archive_);
  const auto database = database_file(config, "restore", "pg_restore trapline.dump --dbname=");
  if (!database) return database.error();
  ProgressBar bar;
  const auto manifest =
      restore_backup({.database = *database,
                      .data = config.data,
                      .files = config.files,
                      .backup = backup_,
                      .replaces = replaces_,
                      .made_by = {},
                      .on_progress = [&bar](std::uint64_t done, std::uint64_t total) { bar.show(done, total); }});
  if (!manifest) return manifest.error();
  std::cout << config.data << ": restored " << size_of(*manifest) << ", made by trapline-collector "
            << manifest->made_by << "\nNext: trapline-collector check --data " << config.data
            << "\n      trapline-collector serve --data " << config.data << '\n';
  return {};
}

}  // namespace trapline::collector
