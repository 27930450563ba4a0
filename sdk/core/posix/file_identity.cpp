#include "sdk/core/file_identity.h"

#include <sys/stat.h>

namespace trapline::core {

std::uint64_t file_identity(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace trapline::core
