/// trapline-crash-deliver: delivers what a process with libtrapline has left when it crashed or was killed, as the next
/// start of that would. The crash helper runs it, with the options in a file that is open.

#include <array>
#include <chrono>
#include <cstdio>
#include <string>

#include <unistd.h>

#include "sdk/client/client.h"
#include "sdk/client/options_json.h"
#include "sdk/crash/posix/helper_protocol.h"

namespace {

/// After this long without a server it waits in the offline buffer for the next start.
constexpr std::chrono::seconds kLongest{30};

/// The file's position is shared with the helper, so it is read from its beginning.
std::string read_options() {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const ssize_t got = pread(trapline::sdk::kHelperOptions, part.data(), part.size(), static_cast<off_t>(text.size()));
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

int main() {
  using namespace trapline::sdk;
  auto options = parse_delivery_options(read_options());
  if (!options) {
    std::fputs(
        "trapline-crash-deliver delivers the crash of a process that uses libtrapline. It is started by\n"
        "trapline-crash-helper, not by hand.\n",
        stderr);
    return 2;
  }
  auto client = Client::create(std::move(*options));
  if (!client) return 1;
  return (*client)->stop(kLongest) ? 0 : 1;
}
