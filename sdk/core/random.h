#pragma once

/// Random bytes from the operating system, fit for keys and ids.

#include <cstddef>
#include <span>
#include <string>

namespace trapline::core {

/// Fills `bytes`. Never fails: without a source of randomness the process is aborted, since every id and key made
/// without one would be guessable.
void fill_random(std::span<std::byte> bytes);

/// `byte_count` random bytes as lower-case hex digits, twice as many characters.
std::string random_hex(std::size_t byte_count);

}  // namespace trapline::core
