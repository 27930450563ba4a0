#pragma once

/// `trapline-collector backup` and `trapline-collector restore`, of a backup or of days of the cold archive.

#include <string>

#include <CLI/CLI.hpp>

#include "collector/archive_commands.h"
#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What was given on the command line; must outlive the parsing.
class BackupCommand {
 public:
  /// Adds itself to the program's commands.
  explicit BackupCommand(CLI::App& program);
  [[nodiscard]] CLI::App& options() const { return *command_; }
  [[nodiscard]] bool is_given() const { return command_->parsed(); }

  /// Says on standard output what was written. Errors: those of make_backup(), and "not_sqlite", which names the
  /// command for PostgreSQL.
  [[nodiscard]] core::Status run(const Config& config) const;

 private:
  CLI::App* command_;
  std::string backup_;
  bool replaces_ = false;
};

class RestoreCommand {
 public:
  explicit RestoreCommand(CLI::App& program);
  [[nodiscard]] CLI::App& options() const { return *command_; }
  [[nodiscard]] bool is_given() const { return command_->parsed(); }

  /// Says on standard output what to do next. Errors: those of restore_backup(), and "not_sqlite"; with a day those of
  /// restore_from_archive().
  [[nodiscard]] core::Status run(const Config& config) const;

 private:
  CLI::App* command_;
  std::string backup_;
  bool replaces_ = false;
  ArchiveWishes archive_;
};

}  // namespace trapline::collector
