#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace trapline::tests {

/// Bytes that cannot be compressed, other ones for each number.
inline std::string noise(int number, std::size_t size = 5'000) {
  std::string bytes;
  auto state = static_cast<std::uint32_t>(number) * 2'654'435'761U + 1;
  while (bytes.size() < size) {
    state = state * 1'664'525U + 1'013'904'223U;
    bytes += static_cast<char>(state >> 24U);
  }
  return bytes;
}

}  // namespace trapline::tests
