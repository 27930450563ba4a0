#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::tools {

struct SplitOptions {
  std::string debug_file;  ///< where the debug information goes; empty: the program's path and ".debug"
  std::string output;      ///< where the stripped program goes; empty: in the place of the given one
};

/// Moves the debug information of a program or a library into a file of its own, as programs are shipped without it,
/// and leaves a link to that. Uses objcopy (GNU binutils). Answers the path of the debug information. Errors: those of
/// inspect(), "no_debug_information", "no_build_id", "objcopy_failed".
core::Result<std::string> split(const std::string& path, const SplitOptions& options);

}  // namespace trapline::tools
