#pragma once

/// `trapline-collector migrate-store`: moves a store to another database, with its progress on standard error.

#include <string>

#include <CLI/CLI.hpp>

#include "collector/storage/store_options.h"
#include "sdk/core/result.h"

namespace trapline::collector {

struct MigrateArguments {
  std::string from;
  std::string to;
  std::string files;         ///< for attachments with PostgreSQL, a folder or a bucket; empty: DATA/files
  std::string sqlite_files;  ///< the same with SQLite; empty: PATH.files
  BucketAccess bucket;       ///< of either
  std::string data;          ///< the collector's data folder; empty: where the SQLite file is
};

/// The command as the command line knows it; `arguments` is filled when it is parsed.
CLI::App* add_migrate_command(CLI::App& app, MigrateArguments& arguments);

core::Status run_migrate_command(const MigrateArguments& arguments);

}  // namespace trapline::collector
