#include <cstdlib>

#include <unistd.h>

#include "sdk/client/private_folder.h"

namespace trapline::sdk {

std::string default_data_folder() {
  const char* const home = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): read once, at the start
  const bool has_home = home != nullptr && *home == '/' && home[1] != '\0';
  if (has_home) return std::string(home) + "/Library/Application Support/trapline";
  return "/var/tmp/trapline-" + std::to_string(getuid());
}

}  // namespace trapline::sdk
