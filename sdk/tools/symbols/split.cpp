#include "sdk/tools/symbols/split.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tools/symbols/debug_file.h"

namespace trapline::tools {
namespace {

/// Its own messages go where ours go.
core::Result<bool> run_objcopy(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "objcopy");
  std::vector<char*> raw;
  raw.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) raw.push_back(argument.data());
  raw.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, "objcopy", nullptr, nullptr, raw.data(), environ);
  if (error != 0) {
    return core::Error{"objcopy_failed",
                       "objcopy cannot be run: " + std::string(std::strerror(error)) +  // NOLINT(concurrency-mt-unsafe)
                           "; install GNU binutils"};
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
  return core::Error{"objcopy_failed", "objcopy " + arguments[1] + " has failed"};
}

}  // namespace

core::Result<std::string> split(const std::string& path, const SplitOptions& options) {
  const auto file = inspect(path);
  if (!file) return file.error();
  if (!file->has_debug_information) {
    return core::Error{"no_debug_information",
                       "'" + path + "' has no debug information: compile it with -g, and do not strip it before"};
  }
  if (file->build_id.empty()) {
    return core::Error{"no_build_id",
                       "'" + path + "' has no build id, by which its stacks are known: link it with -Wl,--build-id"};
  }
  const std::string debug_file = options.debug_file.empty() ? path + ".debug" : options.debug_file;
  const std::string output = options.output.empty() ? path : options.output;
  if (auto kept = run_objcopy({"--only-keep-debug", path, debug_file}); !kept) return kept.error();
  // Into a file beside it first: a program that is interrupted here is not left half written.
  const std::string unfinished = output + ".trapline-new";
  auto stripped =
      run_objcopy({"--strip-debug", "--strip-unneeded", "--add-gnu-debuglink=" + debug_file, path, unfinished});
  if (!stripped) return stripped.error();
  std::error_code error;
  std::filesystem::permissions(unfinished, std::filesystem::status(path).permissions(), error);
  std::filesystem::rename(unfinished, output, error);
  if (error) return core::Error{"objcopy_failed", "cannot write '" + output + "': " + error.message()};
  return debug_file;
}

}  // namespace trapline::tools
