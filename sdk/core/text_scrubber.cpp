#include "sdk/core/text_scrubber.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "sdk/core/ascii.h"
#include "sdk/core/scrub_shapes.h"

namespace trapline::core {
namespace {

constexpr std::uint8_t kWordBit = 1;     ///< letters, digits, underscore
constexpr std::uint8_t kTriggerBit = 2;  ///< a separator that may end or begin something private
constexpr std::uint8_t kStartBit = 4;    ///< a first character of a word that may begin something private

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const char character = static_cast<char>(c);
    if (is_alnum(character) || character == '_') classes[c] = kWordBit;
    if (is_digit(character) || is_upper(character)) classes[c] |= kStartBit;
  }
  for (const char c : {'a', 'b', 'd', 'e', 'g', 'h', 'n', 'p', 'r', 's', 't', 'x', 'y'}) {
    classes[static_cast<unsigned char>(c)] |= kStartBit;
  }
  for (const char c : {'@', ':', '=', '/', '\\', '-', '%'}) classes[static_cast<unsigned char>(c)] = kTriggerBit;
  return classes;
}
constexpr std::array<std::uint8_t, 256> kClassOf = make_classes();

std::uint8_t class_of(char c) { return kClassOf[static_cast<unsigned char>(c)]; }
bool is_word(char c) { return (class_of(c) & kWordBit) != 0; }

std::size_t end_of_word(std::string_view text, std::size_t from) {
  while (from < text.size() && is_word(text[from])) ++from;
  return from;
}

/// Looks for what may begin with the word at `begin`.
Finding find_at_word(std::string_view text, std::size_t begin, const TextRules& rules) {
  const char first = text[begin];
  if (is_digit(first)) {
    Finding found;
    if (rules.ip_addresses) found = shapes::ipv4(text, begin);
    if (found.end == found.begin && rules.national_ids) found = shapes::social_security_number(text, begin);
    if (found.end == found.begin && rules.cards) found = shapes::card(text, begin);
    return found;
  }
  Finding found;
  if (begin + 1 == text.size()) return found;
  const char second = text[begin + 1];
  if (rules.tokens && shapes::may_begin_token(first, second)) found = shapes::token(text, begin);
  if (found.end == found.begin && rules.national_ids && is_upper(first) && is_upper(second))
    found = shapes::iban(text, begin);
  return found;
}

/// Looks for what a separator at `at` belongs to. Nothing before `settled` is touched.
Finding find_at_separator(std::string_view text, std::size_t at, std::size_t settled, const TextRules& rules,
                          const SensitiveKeys& keys) {
  Finding found;
  switch (text[at]) {
    case '@':
      return rules.emails ? shapes::email(text, at, settled) : found;
    case '=':
      return rules.assignments ? shapes::assignment(text, at, settled, keys) : found;
    case ':':
      if (rules.url_credentials) found = shapes::url_credentials(text, at);
      if (found.end == found.begin && rules.ip_addresses) found = shapes::ipv6(text, at, settled);
      if (found.end == found.begin && rules.assignments) found = shapes::assignment(text, at, settled, keys);
      return found;
    case '%':
      return rules.emails && text.substr(at, 3) == "%40" ? shapes::email(text, at, settled) : found;
    case '-':
      return rules.tokens ? shapes::pem_block(text, at) : found;
    default:  // '/' and '\\'
      return shapes::home_folder(text, at);
  }
}

}  // namespace

void find_private(std::string_view text, const TextRules& rules, const SensitiveKeys& keys, FindingSink& sink) {
  std::size_t settled = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::uint8_t kind = class_of(text[at]);
    if (kind == 0) {
      ++at;
      continue;
    }
    const bool is_at_word = (kind & kWordBit) != 0;
    Finding finding;
    if (!is_at_word) {
      finding = find_at_separator(text, at, settled, rules, keys);
    } else if ((kind & kStartBit) != 0) {
      finding = find_at_word(text, at, rules);
    }
    if (finding.end > finding.begin) {
      sink.found(finding);
      at = settled = finding.end;
    } else {
      at = is_at_word ? end_of_word(text, at + 1) : at + 1;
    }
  }
}

void find_home_folders(std::string_view text, FindingSink& sink) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] != '/' && text[at] != '\\') {
      ++at;
      continue;
    }
    const char next = at + 1 < text.size() ? text[at + 1] : '\0';
    const bool may_be_home = next == 'h' || next == 'U';  // "home" or "Users"; most paths lead elsewhere
    const Finding finding = may_be_home ? shapes::home_folder(text, at) : Finding{};
    if (finding.end > finding.begin) {
      sink.found(finding);
      at = finding.end;
    } else {
      ++at;
    }
  }
}

}  // namespace trapline::core
