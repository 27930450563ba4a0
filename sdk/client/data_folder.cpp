#include "sdk/client/data_folder.h"

#include <cstdlib>
#include <filesystem>

#include "sdk/client/private_folder.h"
#include "sdk/core/checksum.h"
#include "sdk/core/hex.h"

namespace trapline::sdk {
namespace {

std::string default_parent() {
  const char* const own = std::getenv("TRAPLINE_FOLDER");  // NOLINT(concurrency-mt-unsafe): read once, at the start
  return own != nullptr && *own != '\0' ? own : default_data_folder();
}

/// Each DSN has a folder of its own: events must not go where they were not meant to.
std::string name_of(const core::Dsn& dsn) {
  const std::string text = dsn.scheme + "|" + dsn.host + "|" + std::to_string(dsn.port) + "|" + dsn.path + "|" +
                           dsn.project_id + "|" + dsn.public_key;
  const std::uint64_t hash = core::fast_checksum(text, 0);
  return core::to_hex(std::as_bytes(std::span(&hash, 1)));
}

}  // namespace

core::Result<std::string> make_data_folder(const std::optional<std::string>& wanted, const core::Dsn& dsn) {
  std::error_code error;
  const std::string parent = std::filesystem::absolute(wanted ? *wanted : default_parent(), error).string();
  std::string folder = parent + "/" + name_of(dsn);
  if (const core::Status made = make_private_folder(folder); !made) {
    return core::Error{"folder_failed", "cannot write to the folder '" + folder + "': " + made.error().message +
                                            "; set data_folder or TRAPLINE_FOLDER to one that can be written"};
  }
  return folder;
}

}  // namespace trapline::sdk
