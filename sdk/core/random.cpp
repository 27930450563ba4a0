#include "sdk/core/random.h"

#include <vector>

#include "sdk/core/hex.h"

namespace trapline::core {

std::string random_hex(std::size_t byte_count) {
  std::vector<std::byte> bytes(byte_count);
  fill_random(bytes);
  return to_hex(bytes);
}

}  // namespace trapline::core
