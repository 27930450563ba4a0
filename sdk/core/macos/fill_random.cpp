#include <cstdlib>

#include "sdk/core/random.h"

namespace trapline::core {

void fill_random(std::span<std::byte> bytes) { arc4random_buf(bytes.data(), bytes.size()); }

}  // namespace trapline::core
