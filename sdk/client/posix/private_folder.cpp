#include "sdk/client/private_folder.h"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>
#include <unistd.h>

namespace trapline::sdk {
namespace {

/// Makes a folder and those it is in.
bool make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

}  // namespace

core::Status make_private_folder(const std::string& path) {
  struct stat status {};
  const bool is_made = make_folders(path) && stat(path.c_str(), &status) == 0;
  // In a folder that all may write to, another user could have made it first.
  const bool is_ours = is_made && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
  if (is_made && !is_ours) return core::Error{"folder_failed", "it belongs to another user"};
  if (is_ours && access(path.c_str(), W_OK | X_OK) == 0) return {};
  return core::Error{"folder_failed", std::strerror(errno)};  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace trapline::sdk
