#pragma once

/// Events as an archive's objects have them: the lines that `export events` writes, each with a member "archive" more,
/// which has what a restore needs beside them, compressed by zstd.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "collector/storage/records.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// With the line end.
std::string archive_line(const StoredEvent& stored);

/// What archive_line() took, to the byte; `issue_id` is what it was then. Error: "archive_damaged".
core::Result<StoredEvent> read_archive_line(std::string_view line);

/// Lines as one zstd frame, as they come.
class LinePacker {
 public:
  LinePacker();
  ~LinePacker();
  LinePacker(const LinePacker&) = delete;
  LinePacker& operator=(const LinePacker&) = delete;

  void add(std::string_view line);
  /// Bytes of the frame so far, but for some that are held back.
  [[nodiscard]] std::size_t bytes() const { return packed_.size(); }
  /// Of its lines.
  [[nodiscard]] std::size_t plain_bytes() const { return plain_bytes_; }
  /// The frame, whole; the next line begins a new one.
  std::string finish();

 private:
  struct Context;
  void compress(std::string_view text, bool is_last);

  std::unique_ptr<Context> context_;
  std::string packed_;
  std::size_t plain_bytes_ = 0;
};

/// Hands each line of the frame on, without its end; takes memory for one. Errors: "archive_damaged", and what `take`
/// answers, which ends it.
core::Status for_each_line(std::string_view frame, const std::function<core::Status(std::string_view)>& take);

}  // namespace trapline::collector
