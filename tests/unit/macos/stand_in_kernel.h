#pragma once

/// The memory of a made-up process, where the macOS files read that of a real one (sdk/stack/macos/safe_memory.h): the
/// kernel's calls that they are made of are not on this machine.

#include <cstdint>
#include <map>
#include <utility>

namespace trapline::tests {

struct StandInMemory {
  std::map<std::uintptr_t, std::uintptr_t> words;                     ///< by address; others cannot be read
  std::pair<std::uintptr_t, std::uintptr_t> code = {0x1000, 0x9000};  ///< from, to
};

/// What is read from now on.
StandInMemory& stand_in_memory();

}  // namespace trapline::tests
