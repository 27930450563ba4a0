#include "collector/http/descriptor_limit.h"

#include <algorithm>
#include <limits>

#include <sys/resource.h>

namespace trapline::collector {
namespace {

/// The database's readers take two each, of as many threads as answer; the rest is for logs, pipes and name look-ups,
/// and for connections that are being told that there are too many.
constexpr std::size_t kReserved = 256;

}  // namespace

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::numeric_limits<std::size_t>::max();
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

std::size_t connections_within(std::size_t descriptors, std::size_t others, std::size_t wanted) {
  const std::size_t kept_back = kReserved + others;
  // Where there are hardly any, the files are few, too.
  const std::size_t left = descriptors > 2 * kept_back ? descriptors - kept_back : descriptors / 2;
  return std::min(wanted, std::max<std::size_t>(left, 1));
}

}  // namespace trapline::collector
