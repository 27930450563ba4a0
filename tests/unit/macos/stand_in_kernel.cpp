#include "tests/unit/macos/stand_in_kernel.h"

#include <algorithm>

#include "sdk/stack/macos/safe_memory.h"

namespace trapline::tests {

StandInMemory& stand_in_memory() {
  static StandInMemory memory;
  return memory;
}

}  // namespace trapline::tests

namespace trapline::sdk {

std::size_t read_memory(std::uintptr_t from, void* to, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const auto word = tests::stand_in_memory().words.find(from + done);
    if (word == tests::stand_in_memory().words.end()) break;
    const std::size_t part = std::min(bytes - done, sizeof word->second);
    std::memcpy(static_cast<char*>(to) + done, &word->second, part);
    done += part;
  }
  return done;
}

bool is_code(std::uintptr_t address) {
  const auto [from, to] = tests::stand_in_memory().code;
  return address >= from && address < to;
}

}  // namespace trapline::sdk
