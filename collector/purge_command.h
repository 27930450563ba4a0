#pragma once

/// `purge`: erases what is stored of a user, with a signed report. `export user`: writes it out. `report-key` and
/// `verify-report`: whether a report is what a collector has signed. All also while a server runs on the database.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Whose data, as it was written.
struct UserWishes {
  std::vector<std::string> user;
  std::optional<std::string> project;
};

class PurgeCommand {
 public:
  explicit PurgeCommand(CLI::App& program);

  [[nodiscard]] CLI::App& options() { return *command_; }
  /// After parsing.
  [[nodiscard]] bool is_given() const { return command_->parsed(); }
  [[nodiscard]] core::Status run(const Config& config) const;

 private:
  CLI::App* command_;
  UserWishes wishes_;
  bool is_dry_ = false;
  bool is_confirmed_ = false;
  std::optional<std::string> report_file_;
  std::string requested_by_;
};

class UserExportCommand {
 public:
  /// A part of `export`.
  explicit UserExportCommand(CLI::App& export_command);

  [[nodiscard]] CLI::App& options() { return *command_; }
  [[nodiscard]] bool is_given() const { return command_->parsed(); }
  [[nodiscard]] core::Status run(const Config& config) const;

 private:
  CLI::App* command_;
  UserWishes wishes_;
  std::optional<std::string> output_;
};

class ReportCommands {
 public:
  explicit ReportCommands(CLI::App& program);

  [[nodiscard]] CLI::App& key_options() { return *key_; }
  [[nodiscard]] CLI::App& verify_options() { return *verify_; }
  [[nodiscard]] bool prints_key() const { return key_->parsed(); }
  [[nodiscard]] bool verifies() const { return verify_->parsed(); }
  [[nodiscard]] static core::Status print_key(const Config& config);
  [[nodiscard]] core::Status verify(const Config& config) const;

 private:
  CLI::App* key_;
  CLI::App* verify_;
  std::string file_;
  std::optional<std::string> public_key_;
  std::vector<std::string> user_;
};

}  // namespace trapline::collector
