#pragma once

#include <string>
#include <unordered_map>

#include "sdk/core/event.h"

namespace trapline::sdk {

/// Lines of source files on this machine, as on the one where a program is developed. Not thread-safe.
class SourceFiles {
 public:
  /// The line (from 1 on) and five before and after it; nullptr when the file is not there, has fewer lines, or is
  /// larger than a source file ever is. Stays as long as this object.
  const core::SourceLines* around(const std::string& path, int line);

 private:
  std::unordered_map<std::string, core::SourceLines> known_;  ///< by "path:line"
};

}  // namespace trapline::sdk
