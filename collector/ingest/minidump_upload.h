#pragma once

/// Uploads of Crashpad and Breakpad: a form with the dump as a file `upload_file_minidump`, what the program knew of
/// itself as JSON in the field `sentry` (or in pieces `sentry__1`, `sentry__2`, …), and more fields and files.

#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

struct UploadedFile {
  std::string filename;
  std::string content_type;
  std::string attachment_type;
  std::string_view bytes;  ///< inside the body
};

struct MinidumpUpload {
  std::string event;                ///< JSON: the fields of `sentry`, completed to a crash
  std::string event_id;             ///< made of the dump when the fields name none: sent again it is the same crash
  std::vector<UploadedFile> files;  ///< the dump first
};

/// Errors: those of read_multipart(); "missing_minidump"; "invalid_minidump" when the file does not begin as one.
core::Result<MinidumpUpload> read_minidump_upload(std::string_view content_type, std::string_view body);

}  // namespace trapline::collector
