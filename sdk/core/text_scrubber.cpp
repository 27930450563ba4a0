#include "sdk/core/text_scrubber.h"

#include <bit>
#include <cstdint>

#include "sdk/core/ascii.h"
#include "sdk/core/byte_block.h"
#include "sdk/core/scrub_shapes.h"

namespace trapline::core {
namespace {

/// Looks for what may begin with the word at `begin`.
Finding find_at_word(std::string_view text, std::size_t begin, const TextRules& rules) {
  const char first = text[begin];
  const char second = begin + 1 < text.size() ? text[begin + 1] : '\0';
  if (!shapes::may_begin(first, second)) return {};
  if (is_digit(first)) {
    Finding found;
    if (rules.ip_addresses) found = shapes::ipv4(text, begin);
    if (found.end == found.begin && rules.national_ids) found = shapes::social_security_number(text, begin);
    if (found.end == found.begin && rules.cards) found = shapes::card(text, begin);
    return found;
  }
  Finding found;
  if (rules.tokens) found = shapes::token(text, begin);
  if (found.end == found.begin && rules.national_ids && is_upper(first) && is_upper(second))
    found = shapes::iban(text, begin);
  return found;
}

/// "home" or "Users"; most paths lead elsewhere.
bool may_be_home(char first) { return first == 'h' || first == 'U'; }

/// Looks for what a separator at `at` belongs to. Nothing before `settled` is touched.
Finding find_at_separator(std::string_view text, std::size_t at, std::size_t settled, const TextRules& rules,
                          const SensitiveKeys& keys) {
  Finding found;
  const char next = at + 1 < text.size() ? text[at + 1] : '\0';
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
      return rules.emails && next == '4' && text.substr(at, 3) == "%40" ? shapes::email(text, at, settled) : found;
    case '-':
      return rules.tokens && next == '-' ? shapes::pem_block(text, at) : found;
    default:  // '/' and '\\'
      return may_be_home(next) ? shapes::home_folder(text, at) : found;
  }
}

SixteenBytes::Places words(const SixteenBytes& bytes) {
  return bytes.letters() | bytes.between('0', '9') | bytes.equal('_');
}
SixteenBytes::Places slashes(const SixteenBytes& bytes) { return bytes.equal('/') | bytes.equal('\\'); }
/// What may end or begin something private.
SixteenBytes::Places separators(const SixteenBytes& bytes) {
  return slashes(bytes) | bytes.equal('@') | bytes.equal(':') | bytes.equal('=') | bytes.equal('-') | bytes.equal('%');
}
SixteenBytes::Places home_starts(const SixteenBytes& bytes) { return bytes.equal('h') | bytes.equal('U'); }

}  // namespace

void find_private(std::string_view text, const TextRules& rules, const SensitiveKeys& keys, FindingSink& sink) {
  std::size_t settled = 0;
  std::size_t at = 0;
  bool is_in_word = false;  // when the block begins
  while (at < text.size()) {
    const ByteBlock block = ByteBlock::load(text, at);
    const std::uint32_t in_words = block.where(words);
    const std::uint32_t word_starts = in_words & ~(in_words << 1U | (is_in_word ? 1U : 0U));
    std::uint32_t places = word_starts | block.where(separators);
    Finding finding;
    for (; places != 0 && finding.end == finding.begin; places &= places - 1) {
      const std::size_t place = at + static_cast<std::size_t>(std::countr_zero(places));
      const bool is_word = (places & -places & word_starts) != 0;
      finding = is_word ? find_at_word(text, place, rules) : find_at_separator(text, place, settled, rules, keys);
    }
    if (finding.end > finding.begin) {
      sink.found(finding);
      at = settled = finding.end;
      is_in_word = false;
    } else {
      at += ByteBlock::kBytes;
      is_in_word = (in_words & ByteBlock::kLast) != 0;
    }
  }
}

void find_home_folders(std::string_view text, FindingSink& sink) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ByteBlock block = ByteBlock::load(text, at);
    const std::uint32_t before_home = block.where(home_starts) >> 1U | ByteBlock::kLast;
    std::uint32_t places = block.where(slashes) & before_home;
    Finding finding;
    for (; places != 0 && finding.end == finding.begin; places &= places - 1) {
      finding = shapes::home_folder(text, at + static_cast<std::size_t>(std::countr_zero(places)));
    }
    if (finding.end > finding.begin) sink.found(finding);
    at = finding.end > finding.begin ? finding.end : at + ByteBlock::kBytes;
  }
}

}  // namespace trapline::core
