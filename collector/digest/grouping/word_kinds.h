#pragma once

/// Kinds of word in messages whose text varies. Both versions of the grouping use them, so what they answer stays as it
/// is.

#include <algorithm>
#include <string_view>

namespace trapline::collector {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
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
