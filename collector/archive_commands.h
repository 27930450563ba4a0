#pragma once

/// Commands about the cold archive: `trapline-collector archive list`, and `restore --day`.

#include <cstdint>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What was written on the command line.
struct ArchiveWishes {
  std::string day;  ///< "2026-01-02", and the same of the next; empty: none was given
  std::string to;
  std::optional<std::string> project;
  std::int64_t keep_days = 7;
};

/// Brings the days back, with a bar on standard error, and says on standard output what came of it. A day of several
/// that the archive does not have is passed over. Errors: those of restore_day(), "invalid_parameter",
/// "invalid_archive".
core::Status restore_from_archive(const Config& config, const ArchiveWishes& wishes);

/// The command `archive`, with what it can do.
class ArchiveCommand {
 public:
  explicit ArchiveCommand(CLI::App& program);

  [[nodiscard]] bool lists() const { return list_->parsed(); }
  [[nodiscard]] CLI::App& list_options() { return *list_; }
  /// A line for each day.
  static core::Status list(const Config& config);

 private:
  CLI::App* list_ = nullptr;
};

}  // namespace trapline::collector
