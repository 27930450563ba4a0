#pragma once

/// Random bytes from the operating system, fit for keys and ids, and cheap random numbers.

#include <cstddef>
#include <span>
#include <string>

namespace trapline::core {

/// Fills `bytes`. Never fails: without a source of randomness the process is aborted, since every id and key made
/// without one would be guessable.
void fill_random(std::span<std::byte> bytes);

/// `byte_count` random bytes as lower-case hex digits, twice as many characters.
std::string random_hex(std::size_t byte_count);

/// From 0 (included) to 1 (excluded), for samples and delays: cheap, and nothing for keys.
double random_fraction();

}  // namespace trapline::core
