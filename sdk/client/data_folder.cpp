#include "sdk/client/data_folder.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "sdk/core/checksum.h"
#include "sdk/core/hex.h"

namespace trapline::sdk {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read once, at the start
  return value != nullptr ? value : "";
}

std::string default_parent() {
  if (std::string own = variable("TRAPLINE_FOLDER"); !own.empty()) return own;
  if (const std::string state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/trapline";
  if (const std::string home = variable("HOME"); !home.empty() && home != "/") return home + "/.local/state/trapline";
  return "/var/tmp/trapline-" + std::to_string(getuid());
}

/// Each DSN has a folder of its own: events must not go where they were not meant to.
std::string name_of(const core::Dsn& dsn) {
  const std::string text = dsn.scheme + "|" + dsn.host + "|" + std::to_string(dsn.port) + "|" + dsn.path + "|" +
                           dsn.project_id + "|" + dsn.public_key;
  const std::uint64_t hash = core::fast_checksum(text, 0);
  return core::to_hex(std::as_bytes(std::span(&hash, 1)));
}

/// Makes a folder and those it is in.
bool make_folders(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return false;
    if (slash == std::string::npos) return true;
  }
}

}  // namespace

core::Result<std::string> make_data_folder(const std::optional<std::string>& wanted, const core::Dsn& dsn) {
  std::error_code error;
  const std::string parent = std::filesystem::absolute(wanted ? *wanted : default_parent(), error).string();
  std::string folder = parent + "/" + name_of(dsn);
  struct stat status {};
  const bool is_made = make_folders(folder) && stat(folder.c_str(), &status) == 0;
  // In a folder that all may write to, another user could have made it first.
  const bool is_ours = is_made && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
  if (is_ours && access(folder.c_str(), W_OK | X_OK) == 0) return folder;
  const std::string reason =
      is_made && !is_ours ? "it belongs to another user" : std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  return core::Error{"folder_failed", "cannot write to the folder '" + folder + "': " + reason +
                                          "; set data_folder or TRAPLINE_FOLDER to one that can be written"};
}

}  // namespace trapline::sdk
