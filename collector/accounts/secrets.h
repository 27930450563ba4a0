#pragma once

/// Secrets that we hand out once and keep only as hashes: sessions, tokens, one-time links.

#include <string>
#include <string_view>

namespace trapline::collector {

/// A fresh secret of 256 random bits: the prefix, which tells people and secret scanners what it is, and 64 hex digits.
std::string new_secret(std::string_view prefix);

/// SHA-256 in hex, under which the secret is looked up. No salt: 256 random bits cannot be guessed from it.
std::string hash_secret(std::string_view secret);

}  // namespace trapline::collector
