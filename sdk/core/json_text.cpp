#include "sdk/core/json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "sdk/core/ascii.h"
#include "sdk/core/swar.h"
#include "sdk/core/utf8.h"

namespace trapline::core {
namespace {

/// Characters that stand for themselves in a JSON string: ASCII without controls, quote and backslash.
constexpr std::array<bool, 256> make_plain() {
  std::array<bool, 256> plain{};
  for (int c = 0x20; c < 0x80; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kIsPlain = make_plain();

/// Four hex digits as a number; nothing when they are not.
std::optional<std::uint32_t> read_hex4(std::string_view text) {
  if (text.size() < 4) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    if (!is_hex_digit(c)) return std::nullopt;
    value = value * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : to_lower(c) - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& text, std::uint32_t code) {
  if (code < 0x80) {
    text.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    text.push_back(static_cast<char>(0xC0 | (code >> 6)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | (code >> 12)));
    text.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    text.push_back(static_cast<char>(0xF0 | (code >> 18)));
    text.push_back(static_cast<char>(0x80 | ((code >> 12) & 0x3F)));
    text.push_back(static_cast<char>(0x80 | ((code >> 6) & 0x3F)));
    text.push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

/// Reads the escape after "\u" at the front of `rest`, a surrogate pair included; the characters read, 0 when wrong.
std::size_t append_unicode_escape(std::string& text, std::string_view rest) {
  const auto first = read_hex4(rest);
  if (!first) return 0;
  const bool is_high = *first >= 0xD800 && *first < 0xDC00;
  const bool is_low = *first >= 0xDC00 && *first < 0xE000;
  if (is_high && rest.substr(4, 2) == "\\u") {
    const auto second = read_hex4(rest.substr(6));
    if (second && *second >= 0xDC00 && *second < 0xE000) {
      append_utf8(text, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
      return 10;
    }
  }
  if (is_high || is_low) {
    text += kReplacementCharacter;
  } else {
    append_utf8(text, *first);
  }
  return 4;
}

}  // namespace

void append_json_escaped(std::string& json, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at;
    while (end + swar::kBytes <= text.size()) {
      const std::uint64_t word = swar::load(text.data() + end);
      const std::uint64_t special =
          swar::equal_to(word, '"') | swar::equal_to(word, '\\') | swar::below(word, ' ') | (word & swar::kHighs);
      if (special != 0) break;
      end += swar::kBytes;
    }
    while (end < text.size() && kIsPlain[static_cast<unsigned char>(text[end])]) ++end;
    json.append(text, at, end - at);
    if (end == text.size()) return;
    const auto byte = static_cast<unsigned char>(text[end]);
    at = end + 1;
    if (byte >= 0x80) {
      const std::size_t length = utf8_sequence_length(text.substr(end));
      json += length > 0 ? text.substr(end, length) : kReplacementCharacter;
      at = end + (length > 0 ? length : 1);
    } else if (byte == '\n') {
      json += "\\n";
    } else if (byte < 0x20) {
      json += "\\u00";
      json += kDigits[byte >> 4];
      json += kDigits[byte & 0x0F];
    } else {
      json += '\\';
      json += static_cast<char>(byte);
    }
  }
}

std::optional<std::string> unescape_json(std::string_view inside) {
  std::string text;
  text.reserve(inside.size());
  std::size_t at = 0;
  while (at < inside.size()) {
    const std::size_t escape = inside.find('\\', at);
    text.append(inside, at, std::min(escape, inside.size()) - at);
    if (escape == std::string_view::npos) break;
    if (escape + 1 >= inside.size()) return std::nullopt;
    at = escape + 2;
    switch (inside[escape + 1]) {
      case 'n':
        text += '\n';
        break;
      case 't':
        text += '\t';
        break;
      case 'r':
        text += '\r';
        break;
      case 'b':
        text += '\b';
        break;
      case 'f':
        text += '\f';
        break;
      case '"':
      case '\\':
      case '/':
        text += inside[escape + 1];
        break;
      case 'u': {
        const std::size_t length = append_unicode_escape(text, inside.substr(at));
        if (length == 0) return std::nullopt;
        at += length;
        break;
      }
      default:
        return std::nullopt;
    }
  }
  return text;
}

}  // namespace trapline::core
