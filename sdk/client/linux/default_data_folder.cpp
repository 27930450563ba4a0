#include <cstdlib>

#include <unistd.h>

#include "sdk/client/private_folder.h"

namespace trapline::sdk {
namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read once, at the start
  return value != nullptr ? value : "";
}

}  // namespace

std::string default_data_folder() {
  if (const std::string state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/trapline";
  if (const std::string home = variable("HOME"); !home.empty() && home != "/") return home + "/.local/state/trapline";
  return "/var/tmp/trapline-" + std::to_string(getuid());
}

}  // namespace trapline::sdk
