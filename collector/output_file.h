#pragma once

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// A mistyped folder must not become an empty database, and what is asked of that an empty answer. Error: "not_found".
core::Status check_database_is_there(const Config& config);

/// Where a command's lines go to: a file that gets its name when it is whole, a pipe or device as it is, or standard
/// output. Errors: "cannot_write".
class OutputFile {
 public:
  /// None: standard output.
  static core::Result<OutputFile> open(const std::optional<std::string>& file);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  /// What was not finished leaves nothing.
  ~OutputFile();

  core::Status write(std::string_view text);
  /// All is there: on the disk, under its own name.
  core::Status finish();

 private:
  OutputFile() = default;
  [[nodiscard]] std::string written_name() const { return is_file_ ? name_ + ".part" : name_; }
  [[nodiscard]] core::Error failure() const;

  std::string name_;      ///< empty: standard output
  bool is_file_ = false;  ///< made under another name
  std::FILE* stream_ = nullptr;
};

}  // namespace trapline::collector
