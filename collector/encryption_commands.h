#pragma once

#include <CLI/CLI.hpp>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// The command `encryption`, with what it can do.
class EncryptionCommand {
 public:
  explicit EncryptionCommand(CLI::App& program);

  [[nodiscard]] bool creates_key() const { return create_key_->parsed(); }
  /// Prints a new key.
  static core::Status create_key();

  [[nodiscard]] bool rotates() const { return rotate_->parsed(); }
  [[nodiscard]] CLI::App& rotate_options() { return *rotate_; }
  /// Seals everything with the newest key.
  static core::Status rotate(const Config& config);

 private:
  CLI::App* create_key_ = nullptr;
  CLI::App* rotate_ = nullptr;
};

}  // namespace trapline::collector
