#pragma once

#include <CLI/CLI.hpp>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// `trapline-collector check`. What was given on the command line; must outlive the parsing.
class CheckCommand {
 public:
  /// Adds itself to the program's commands.
  explicit CheckCommand(CLI::App& program);
  [[nodiscard]] CLI::App& options() const { return *command_; }
  [[nodiscard]] bool is_given() const { return command_->parsed(); }

  /// Prints what was found. Answers the exit status: 0 all is right, or is now; 1 faults; 2 it could not be checked.
  [[nodiscard]] int run(const core::Result<Config>& config) const;

 private:
  CLI::App* command_;
  bool repairs_ = false;
  bool is_deep_ = false;
};

}  // namespace trapline::collector
