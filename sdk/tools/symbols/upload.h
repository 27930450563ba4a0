#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "sdk/core/result.h"
#include "sdk/tools/symbols/debug_file.h"

namespace trapline::tools {

struct UploadTarget {
  std::string url;      ///< of the collector, such as "https://errors.example.com"
  std::string token;    ///< an API token that may write
  std::string project;  ///< its id
};

/// Called now and then with the bytes of the file that were read and all there are.
using UploadProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Sends a file to the collector: POST /api/v1/projects/<id>/debug-files/<build id>, its name in X-Trapline-File, the
/// body compressed with gzip on the way. Answers whether it was new there. Errors: "upload_failed" with what the
/// collector said.
core::Result<bool> upload(const DebugFile& file, const UploadTarget& target, const UploadProgress& progress);

}  // namespace trapline::tools
