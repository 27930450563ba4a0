#pragma once

/// Kinds of word in messages whose text varies. Both versions of the grouping use them, so what they answer stays as it
/// is.

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "sdk/core/ascii.h"

namespace trapline::collector {

using core::is_digit;
using core::is_hex_digit;
using core::is_letter;

/// What is read of a message, at most.
constexpr std::size_t kMostMessageBytes = 2048;
/// A quotation longer than this is more likely an apostrophe that never closes.
constexpr std::size_t kMostQuoted = 200;
constexpr std::string_view kBlanks = " \t\r\n\v\f";
constexpr std::string_view kQuotes = "'\"`";
/// What ends a word, beside blanks and quotes.
constexpr std::string_view kSeparators = "()[]{}<>,;=|";

inline bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
inline bool all_of(std::string_view text, bool (*holds)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), holds);
}

bool is_uuid(std::string_view word);
bool is_email(std::string_view word);
bool is_ipv4(std::string_view word);  ///< a port or a prefix length may follow
bool is_ipv6(std::string_view word);
bool is_path(std::string_view word);

/// 2026-11-21, 2026-11-21T09:30:00Z, 2026/11/21, 21.11.2026, 11/21/26, 09:30, 09:30:15.123
bool is_date_or_time(std::string_view word);

}  // namespace trapline::collector
