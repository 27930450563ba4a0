#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "sdk/core/result.h"
#include "sdk/recorder/mapping.h"

namespace trapline::sdk {

/// The open file of a recorder. Nobody else has it while it is open: neither another process, nor a second object in
/// this one (which is what find_abandoned() sees to). The system lets go of it when the process dies, however it dies.
class RecorderFile {
 public:
  RecorderFile() = default;
  RecorderFile(RecorderFile&& other) noexcept;
  RecorderFile& operator=(RecorderFile&& other) noexcept;
  ~RecorderFile() { close(); }

  /// A new file of that many bytes of zeros, with room on the disk for all of them. Errors: "recorder_failed".
  static core::Result<RecorderFile> create(const std::string& path, std::size_t bytes);
  /// A file whose process is gone. Nothing when it is not, or when there is no such file any more.
  static std::optional<RecorderFile> take(const std::string& path);

  [[nodiscard]] bool is_open() const { return file_ != kNone; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The file itself: what is written there is in it.
  [[nodiscard]] Mapping map_shared(std::size_t bytes) const;
  /// To be read only.
  [[nodiscard]] Mapping map_to_read(std::size_t bytes) const;

  /// Errors: "recorder_failed".
  core::Status rename(const std::string& to);
  /// False where the system does not remove a file that is mapped: then try again when it is not.
  bool remove();

  /// A number in the file; nothing when that fails.
  [[nodiscard]] std::optional<std::uint32_t> read_number(std::size_t place) const;
  bool write_number(std::size_t place, std::uint32_t number) const;

  void close();

 private:
  static constexpr std::intptr_t kNone = -1;
  RecorderFile(std::intptr_t file, std::string path) : file_(file), path_(std::move(path)) {}

  std::intptr_t file_ = kNone;  ///< the system's descriptor or handle
  std::string path_;
};

}  // namespace trapline::sdk
