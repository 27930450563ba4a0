#include "collector/digest/grouping/word_kinds.h"

#include <algorithm>
#include <cstddef>

namespace trapline::collector {
namespace {

/// Whether the text has this shape, where '9' stands for a digit, 'f' for a hex digit and all else for itself.
bool has_shape(std::string_view text, std::string_view shape) {
  return std::equal(text.begin(), text.end(), shape.begin(), shape.end(), [](char character, char wanted) {
    if (wanted == '9') return is_digit(character);
    if (wanted == 'f') return is_hex_digit(character);
    return character == wanted;
  });
}
bool begins_with_shape(std::string_view text, std::string_view shape) {
  return text.size() >= shape.size() && has_shape(text.substr(0, shape.size()), shape);
}

}  // namespace

bool is_uuid(std::string_view word) {
  return has_shape(word, "ffffffff-ffff-ffff-ffff-ffffffffffff") ||
         (word.size() == 32 && all_of(word, is_hex_digit) && std::any_of(word.begin(), word.end(), is_digit));
}

bool is_email(std::string_view word) {
  const std::size_t at = word.find('@');
  return at != std::string_view::npos && at > 0 && word.find('.', at) != std::string_view::npos;
}

bool is_ipv4(std::string_view word) {
  word = word.substr(0, word.find_first_of(":/"));  // a port or a prefix length may follow
  int parts = 0;
  while (true) {
    const std::size_t dot = word.find('.');
    const std::string_view part = word.substr(0, dot);
    if (part.size() > 3 || !all_of(part, is_digit)) return false;
    ++parts;
    if (dot == std::string_view::npos) return parts == 4;
    word.remove_prefix(dot + 1);
  }
}

bool is_ipv6(std::string_view word) {
  const auto colons = std::count(word.begin(), word.end(), ':');
  const bool has_only_its_characters =
      std::all_of(word.begin(), word.end(), [](char c) { return is_hex_digit(c) || c == ':' || c == '.'; });
  if (!has_only_its_characters || colons < 2 || !std::any_of(word.begin(), word.end(), is_digit)) return false;
  return colons == 7 || word.find("::") != std::string_view::npos;
}

bool is_date_or_time(std::string_view word) {
  if (begins_with_shape(word, "9999-99-99") || begins_with_shape(word, "9999/99/99")) return true;
  if (has_shape(word, "99.99.9999") || has_shape(word, "99/99/9999") || has_shape(word, "99/99/99")) return true;
  return begins_with_shape(word, "99:99:99") || has_shape(word, "99:99");
}

bool is_path(std::string_view word) {
  const bool is_windows =
      word.size() > 3 && is_letter(word[0]) && word[1] == ':' && (word[2] == '\\' || word[2] == '/');
  const bool is_unix = word.size() > 1 && (word.starts_with('/') || word.starts_with("./") || word.starts_with("../") ||
                                           word.starts_with("~/"));
  return is_windows || is_unix || word.starts_with("\\\\");
}

}  // namespace trapline::collector
