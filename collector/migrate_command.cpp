#include "collector/migrate_command.h"

#include <filesystem>
#include <iostream>
#include <memory>

#include <unistd.h>

#include "collector/config.h"
#include "collector/ingest/spool.h"
#include "collector/migration_meter.h"
#include "collector/serve.h"
#include "collector/storage/database_url.h"
#include "collector/storage/file_lock.h"
#include "collector/storage/migrate_store.h"

namespace trapline::collector {
namespace {

namespace fs = std::filesystem;

/// What lies beside the database and stays where it is. Held so that no server takes events in meanwhile.
struct DataFolder {
  std::string path;
  std::unique_ptr<FileLock> lock;
  std::string spool;  ///< its name; empty: there is none
  std::int64_t waiting = 0;
};

/// Without --data: the folder of the file that is moved, or is made.
std::string data_folder_of(const MigrateArguments& arguments) {
  if (!arguments.data.empty()) return arguments.data;
  for (const std::string& text : {arguments.from, arguments.to}) {
    const auto url = parse_database_url(text);
    if (!url || url->is_postgres) continue;
    const std::string folder = fs::path(url->place).parent_path().string();
    return folder.empty() ? "." : folder;
  }
  return ".";
}

core::Result<DataFolder> open_data_folder(const MigrateArguments& arguments) {
  DataFolder folder;
  folder.path = data_folder_of(arguments);
  const std::string spool_path = folder.path + "/spool";
  if (!fs::exists(spool_path)) {
    std::cerr << "there is no spool in " << folder.path
              << "; if the collector's data folder is another one, break this off and name it with --data\n";
    return folder;
  }
  auto lock = lock_data_folder(folder.path);
  if (!lock) return lock.error();
  folder.lock = std::move(*lock);
  const auto spool = Spool::open(spool_path);
  if (!spool) return spool.error();
  folder.spool = (*spool)->name();
  folder.waiting = (*spool)->counts().waiting_events + (*spool)->counts().waiting_items;
  return folder;
}

void tell_outcome(const MigrationReport& report, const DataFolder& folder, const std::string& to) {
  std::int64_t rows = 0;
  for (const MovedTable& table : report.tables) rows += table.rows;
  std::cout << "moved " << with_separators(rows) << " rows of " << report.tables.size()
            << " tables; counts and checksums are the same in both databases\n";
  for (const MovedTable& table : report.tables) {
    if (table.changed_rows == 0) continue;
    std::cout
        << with_separators(table.changed_rows) << " rows of " << table.name
        << " had a text with a NUL or with what is no UTF-8, which PostgreSQL does not take: U+FFFD stands for it\n";
  }
  if (report.files > 0) std::cout << "copied " << with_separators(report.files) << " files of attachments\n";
  if (report.missing_files > 0) {
    std::cout << with_separators(report.missing_files)
              << " files of attachments are missing in the old database's folder, too\n";
  }
  const bool is_postgres = to.starts_with("postgres");
  std::cout << "\nNext: start the collector with --database " << (is_postgres ? "and the URL that --to was given" : to)
            << ", and with the data folder that it had (" << folder.path
            << "): user-key and the spool there belong to it.\n";
  if (folder.waiting > 0) {
    std::cout << with_separators(folder.waiting)
              << " accepted events and other items wait in its spool: they are digested into the new database then.\n";
  }
  std::cout << "The old database is as it was. Keep it until the new one has proven itself; what comes from now on is "
               "in the new one alone.\n";
}

}  // namespace

CLI::App* add_migrate_command(CLI::App& app, MigrateArguments& arguments) {
  CLI::App* command = app.add_subcommand("migrate-store", "Move all that is stored into another database");
  command->add_option("--from", arguments.from, "the database that is used now: sqlite:PATH or postgres://…")
      ->required()
      ->type_name("URL");
  command->add_option("--to", arguments.to, "an empty one, or one that an earlier run has begun to fill")
      ->required()
      ->type_name("URL");
  command
      ->add_option("--data", arguments.data,
                   "the collector's data folder, whose spool stays in use (default: the SQLite file's folder)")
      ->type_name("DIR");
  command
      ->add_option(
          "--files", arguments.files,
          "the folder, or s3://BUCKET/PREFIX, for attachments of the PostgreSQL database (default: DATA/files)")
      ->type_name("DIR");
  command->add_option("--sqlite-files", arguments.sqlite_files, "the same of the SQLite database (default: PATH.files)")
      ->type_name("DIR");
  command->add_option("--files-endpoint", arguments.bucket.endpoint, "server of that bucket (default Amazon's)")
      ->type_name("URL");
  command->add_option("--files-region", arguments.bucket.region, "region of that bucket (default us-east-1)")
      ->type_name("NAME");
  command->footer(
      "Stop the collector first. Whatever ends this command, run it again and it goes on where it was. In the end "
      "both\n"
      "databases are read and compared, by count and checksum of each table. Files of attachments are copied from the\n"
      "folder beside the SQLite file (PATH.files) to --files, or back.\n\n"
      "Examples:\n"
      "  trapline-collector migrate-store --from sqlite:/var/lib/trapline/trapline.db \\\n"
      "    --to postgres://trapline:secret@db.example.com/trapline\n"
      "  trapline-collector migrate-store --from postgres://trapline:secret@db.example.com/trapline \\\n"
      "    --to sqlite:/var/lib/trapline/trapline.db --data /var/lib/trapline");
  return command;
}

core::Status run_migrate_command(const MigrateArguments& arguments) {
  const auto folder = open_data_folder(arguments);
  if (!folder) return folder.error();
  MigrationMeter meter(std::cerr, isatty(STDERR_FILENO) != 0);
  MigrationOptions options;
  options.from = arguments.from;
  options.to = arguments.to;
  const std::string files = arguments.files.empty() ? folder->path + "/files" : arguments.files;
  const auto files_of = [&](const std::string& database) {
    return database.starts_with("sqlite:") ? arguments.sqlite_files : files;
  };
  options.from_files = files_of(options.from);
  options.to_files = files_of(options.to);
  options.bucket = arguments.bucket;
  options.bucket.credentials = bucket_credentials();
  options.spool = folder->spool;
  options.on_progress = [&](const MigrationProgress& progress) {
    meter.show(progress, std::chrono::steady_clock::now());
    return true;
  };
  const auto report = migrate_store(options);
  meter.end();
  if (!report) return report.error();
  tell_outcome(*report, *folder, arguments.to);
  return {};
}

}  // namespace trapline::collector
