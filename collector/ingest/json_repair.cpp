#include "collector/ingest/json_repair.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "sdk/core/ascii.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kReplacementEscape = "\\ufffd";
constexpr std::size_t kEscapeLength = 6;  // \uXXXX

std::optional<unsigned> hex_digit(char character) {
  if (character >= '0' && character <= '9') return static_cast<unsigned>(character - '0');
  if (character >= 'a' && character <= 'f') return static_cast<unsigned>(character - 'a' + 10);
  if (character >= 'A' && character <= 'F') return static_cast<unsigned>(character - 'A' + 10);
  return std::nullopt;
}

/// The code unit of a `\uXXXX` at the text's start.
std::optional<unsigned> escaped_unit(std::string_view text) {
  if (text.size() < kEscapeLength || text[0] != '\\' || text[1] != 'u') return std::nullopt;
  unsigned unit = 0;
  for (const char character : text.substr(2, 4)) {
    const auto digit = hex_digit(character);
    if (!digit) return std::nullopt;
    unit = unit * 16 + *digit;
  }
  return unit;
}

bool is_high_surrogate(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// Copies the escape at the text's start and answers its length.
std::size_t copy_escape(std::string_view text, std::string& output) {
  const auto unit = escaped_unit(text);
  if (!unit) {
    const std::size_t length = text.size() < 2 ? text.size() : 2;
    output += text.substr(0, length);
    return length;
  }
  if (is_high_surrogate(*unit)) {
    const auto next = escaped_unit(text.substr(kEscapeLength));
    if (next && is_low_surrogate(*next)) {
      output += text.substr(0, 2 * kEscapeLength);
      return 2 * kEscapeLength;
    }
  }
  const bool is_lone = is_high_surrogate(*unit) || is_low_surrogate(*unit);
  output += is_lone ? kReplacementEscape : text.substr(0, kEscapeLength);
  return kEscapeLength;
}

void append_control_escape(unsigned char character, std::string& output) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  output += "\\u00";
  output += kDigits[character >> 4];
  output += kDigits[character & 0x0F];
}

/// Whether the text is a number by JSON's grammar.
bool is_json_number(std::string_view text) {
  const auto skip_digits = [&] {
    const std::size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool has_zero = text.starts_with('0');
  const std::size_t whole = skip_digits();
  if (whole == 0 || (has_zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (skip_digits() == 0) return false;
  }
  return text.empty();
}

template <class Number>
bool holds(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Copies what stands outside of strings at the text's start, a number or a word, and answers its length; 0 when there
/// is neither.
std::size_t copy_bare_word(std::string_view text, std::string& output) {
  constexpr std::string_view kWordCharacters = "+-.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const std::string_view word = text.substr(0, text.find_first_not_of(kWordCharacters));
  const bool is_integer = word.find_first_of(".eE") == std::string_view::npos;
  const bool fits = is_integer ? holds<std::int64_t>(word) || holds<std::uint64_t>(word) : holds<double>(word);
  if (word == "NaN" || word == "-NaN" || word == "Infinity" || word == "-Infinity") {
    output += "null";
  } else if (is_json_number(word) && !fits) {
    output += '"';
    output += word;
    output += '"';
  } else {
    output += word;
  }
  return word.size();
}

}  // namespace

std::string repair_json(std::string_view text) {
  text.remove_prefix(core::byte_order_mark_length(text));
  std::string output;
  output.reserve(text.size());
  bool is_in_string = false;
  while (!text.empty()) {
    const char character = text.front();
    std::size_t length = 1;
    if (static_cast<unsigned char>(character) >= 0x80) {
      length = core::utf8_sequence_length(text);
      if (length == 0) {
        output += core::kReplacementCharacter;
        length = 1;
      } else {
        output += text.substr(0, length);
      }
    } else if (is_in_string && character == '\\') {
      length = copy_escape(text, output);
    } else if (is_in_string && static_cast<unsigned char>(character) < 0x20) {
      append_control_escape(static_cast<unsigned char>(character), output);
    } else if (const std::size_t word = is_in_string ? 0 : copy_bare_word(text, output); word > 0) {
      length = word;
    } else {
      if (character == '"') is_in_string = !is_in_string;
      output += character;
    }
    text.remove_prefix(length);
  }
  return output;
}

}  // namespace trapline::collector
