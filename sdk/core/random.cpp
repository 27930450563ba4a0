#include "sdk/core/random.h"

#include <random>
#include <vector>

#include "sdk/core/hex.h"

namespace trapline::core {

std::string random_hex(std::size_t byte_count) {
  std::vector<std::byte> bytes(byte_count);
  fill_random(bytes);
  return to_hex(bytes);
}

double random_fraction() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(0.0, 1.0)(random);
}

}  // namespace trapline::core
