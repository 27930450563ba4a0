#include <algorithm>
#include <cstdlib>

#include <unistd.h>

#include "sdk/core/random.h"

namespace trapline::core {

void fill_random(std::span<std::byte> bytes) {
  constexpr std::size_t kMostPerCall = 256;  // getentropy(3) refuses more
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kMostPerCall));
    if (getentropy(part.data(), part.size()) != 0) std::abort();
    bytes = bytes.subspan(part.size());
  }
}

}  // namespace trapline::core
