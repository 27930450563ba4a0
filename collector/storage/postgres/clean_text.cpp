#include "collector/storage/postgres/clean_text.h"

#include <cstddef>

#include "sdk/core/utf8.h"

namespace trapline::collector::postgres {

std::string clean_text(std::string_view text) {
  std::string clean;
  while (!text.empty()) {
    const std::size_t length = core::utf8_sequence_length(text);
    const bool is_character = length > 0 && text.front() != '\0';
    clean += is_character ? text.substr(0, length) : core::kReplacementCharacter;
    text.remove_prefix(is_character ? length : 1);
  }
  return clean;
}

bool is_clean(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = core::utf8_sequence_length(text);
    if (length == 0 || text.front() == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace trapline::collector::postgres
