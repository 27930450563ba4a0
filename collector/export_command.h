#pragma once

/// `export issues` and `export events`: all of them, or those that a filter lets through, as NDJSON or CSV, from the
/// database, also while a server runs on it.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// What is wanted, as it was written.
struct ExportWishes {
  bool wants_events = false;
  std::string format = "ndjson";
  std::optional<std::string> output;  ///< a file; none: standard output
  std::optional<std::string> project;
  std::optional<std::int64_t> issue;
  std::string query;
  std::string status;
  std::string level;
  std::string environment;
  std::string release;
  std::string from;
  std::string to;
};

/// A file is written under another name and gets its own when it is whole; pipes and devices are written to as they
/// are. Errors: "invalid_parameter",
/// "invalid_query", "not_found", "cannot_write", and the store's.
core::Status run_export(const Config& config, const ExportWishes& wishes);

/// The command and its options on the command line.
class ExportCommand {
 public:
  /// `add_options` adds those that all commands have.
  ExportCommand(CLI::App& app, const std::function<void(CLI::App&)>& add_options);

  /// For further parts.
  [[nodiscard]] CLI::App& command() { return *command_; }

  /// After parsing.
  [[nodiscard]] bool is_given() const { return command_->parsed(); }
  [[nodiscard]] core::Status run(const Config& config) const { return run_export(config, *wishes_); }

 private:
  CLI::App* command_;
  std::unique_ptr<ExportWishes> wishes_ = std::make_unique<ExportWishes>();  ///< where the parser writes to
};

}  // namespace trapline::collector
