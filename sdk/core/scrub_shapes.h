#pragma once

/// The shapes of what find_private() looks for, one function each. `begin` is where a word starts (the character before
/// it is no letter, digit or underscore), `at` a separator in the middle; nothing before `settled` may be part of a
/// finding. An empty finding: there is no such thing here.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sdk/core/text_scrubber.h"

namespace trapline::core::shapes {

/// Four numbers up to 255, not a part of a longer dotted number, the last three not all zero.
Finding ipv4(std::string_view text, std::size_t begin);
/// RFC 4291 forms of at least one digit, so that a::b of a program's text is none. `at` is the first colon.
Finding ipv6(std::string_view text, std::size_t at, std::size_t settled);
/// 123-45-6789, without the numbers that are never given out.
Finding social_security_number(std::string_view text, std::size_t begin);
/// 12 to 19 digits, single blanks or dashes between them, of a known issuer's range and length, with Luhn's checksum
/// (ISO/IEC 7812).
Finding card(std::string_view text, std::size_t begin);
/// ISO 13616: country, checksum (mod 97), account; with or without blanks between groups of four.
Finding iban(std::string_view text, std::size_t begin);
/// Bearer and basic credentials, JSON web tokens, keys of well-known services by their prefixes.
Finding token(std::string_view text, std::size_t begin);
/// -----BEGIN … -----END …-----, or to the end of the text.
Finding pem_block(std::string_view text, std::size_t at);
/// `at` is the '@', or the '%' of "%40".
Finding email(std::string_view text, std::size_t at, std::size_t settled);
/// `at` is the ':' of "://"; what stands before the authority's '@'.
Finding url_credentials(std::string_view text, std::size_t at);
/// `at` is the '=' or ':' after a name that `keys` calls sensitive; the value.
Finding assignment(std::string_view text, std::size_t at, std::size_t settled, const SensitiveKeys& keys);
/// `at` is the slash before "home" or "Users"; the name after it.
Finding home_folder(std::string_view text, std::size_t at);

/// For each first character, the second ones of a word that may be an ipv4(), social_security_number(), card(), iban()
/// or token(), as a set of their lower six bits.
extern const std::array<std::uint64_t, 256> kBeginnings;
/// A quick no for most words.
inline bool may_begin(char first, char second) {
  return (kBeginnings[static_cast<unsigned char>(first)] >> (static_cast<unsigned char>(second) & 63U) & 1U) != 0;
}

/// Luhn's checksum over digits (US patent 2,950,048).
bool is_luhn_valid(std::string_view digits);

}  // namespace trapline::core::shapes
