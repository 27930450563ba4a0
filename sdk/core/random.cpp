#include "sdk/core/random.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include <unistd.h>

#include "sdk/core/hex.h"

namespace trapline::core {

void fill_random(std::span<std::byte> bytes) {
  constexpr std::size_t kMostPerCall = 256;  // getentropy(3) refuses more
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kMostPerCall));
    if (getentropy(part.data(), part.size()) != 0) std::abort();
    bytes = bytes.subspan(part.size());
  }
}

std::string random_hex(std::size_t byte_count) {
  std::vector<std::byte> bytes(byte_count);
  fill_random(bytes);
  return to_hex(bytes);
}

}  // namespace trapline::core
