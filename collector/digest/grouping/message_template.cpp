#include "collector/digest/grouping/message_template.h"

#include <algorithm>
#include <array>

#include "collector/digest/grouping/word_kinds.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

bool is_hex_number(std::string_view word) {
  if (word.starts_with("0x") || word.starts_with("0X")) return all_of(word.substr(2), is_hex_digit);
  constexpr std::size_t kLeastDigits = 8;  // shorter ones may be words, as "facade"
  return word.size() >= kLeastDigits && all_of(word, is_hex_digit) && std::any_of(word.begin(), word.end(), is_digit);
}

/// The length of the number that the word begins with, with sign, grouping and decimals; 0 when it begins with none.
std::size_t number_length(std::string_view word) {
  std::size_t end = !word.empty() && is_one_of(word[0], "+-") ? 1 : 0;
  const std::size_t start = end;
  while (end < word.size() && (is_digit(word[end]) || (end > start && is_one_of(word[end], ".,_")))) ++end;
  return end > start ? end : 0;
}

bool is_duration_unit(std::string_view unit) {
  constexpr std::array<std::string_view, 14> kUnits = {"ns", "us",  "µs",   "ms", "s",   "sec", "secs",
                                                       "m",  "min", "mins", "h",  "hrs", "d",   "hours"};
  return std::find(kUnits.begin(), kUnits.end(), unit) != kUnits.end();
}

/// A word that is no known kind keeps its letters; numbers in it go ("order-4711", "worker#5"), but not the digits of
/// names such as "utf8" and "sha256".
std::string without_numbers(std::string_view word) {
  constexpr std::size_t kSurelyVariable = 4;
  std::string kept;
  std::size_t position = 0;
  while (position < word.size()) {
    std::size_t end = position;
    while (end < word.size() && is_digit(word[end])) ++end;
    const std::size_t digits = end - position;
    if (digits == 0) {
      kept += word[position++];
      continue;
    }
    const bool follows_letter = position > 0 && is_letter(word[position - 1]);
    const bool is_variable = !follows_letter || digits >= kSurelyVariable;
    kept += is_variable ? std::string_view("<num>") : word.substr(position, digits);
    position = end;
  }
  return kept;
}

std::string replace_word(std::string_view word) {
  if (word.find("://") != std::string_view::npos) return "<url>";
  if (is_email(word)) return "<email>";
  if (is_uuid(word)) return "<uuid>";
  if (is_ipv4(word) || is_ipv6(word)) return "<ip>";
  if (is_date_or_time(word)) return "<date>";
  if (is_path(word)) return "<path>";
  const std::size_t number = number_length(word);
  if (number == word.size() && number > 0) return "<num>";
  if (is_hex_number(word)) return "<hex>";
  if (number > 0) {
    const std::string_view unit = word.substr(number);
    if (is_duration_unit(unit)) return "<duration>";
    if (unit == "%" || all_of(unit, is_letter)) return "<num>" + std::string(unit);
  }
  return without_numbers(word);
}

/// The length of the quotation that the text begins with, quotes included; 0 when it does not close soon.
std::size_t quotation_length(std::string_view text) {
  const std::string_view reach = text.substr(0, kMostQuoted);
  const std::size_t close = reach.find_first_of(std::string({text.front(), '\n'}), 1);
  return close != std::string_view::npos && reach[close] == text.front() ? close + 1 : 0;
}

std::size_t word_length(std::string_view text) {
  const auto ends_word = [](char c) {
    return is_one_of(c, kBlanks) || is_one_of(c, kQuotes) || is_one_of(c, kSeparators);
  };
  const auto* const end = std::find_if(text.begin(), text.end(), ends_word);
  auto length = static_cast<std::size_t>(end - text.begin());
  if (text.substr(0, length).find("://") == std::string_view::npos) return length;
  // Addresses hold separators too: they go on to the next blank or quote.
  const auto ends_url = [](char c) { return is_one_of(c, kBlanks) || is_one_of(c, kQuotes) || c == '<' || c == '>'; };
  return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends_url) - text.begin());
}

}  // namespace

std::string message_template(std::string_view message) {
  message = core::truncate_utf8(message, kMostMessageBytes);
  std::string result;
  bool is_after_word = false;
  while (!message.empty()) {
    const char character = message.front();
    if (is_one_of(character, kQuotes) && !is_after_word) {
      if (const std::size_t length = quotation_length(message); length > 0) {
        result += "<quoted>";
        message.remove_prefix(length);
        is_after_word = true;
        continue;
      }
    }
    const std::size_t length = word_length(message);
    if (length == 0) {
      result += character;
      message.remove_prefix(1);
      is_after_word = false;
      continue;
    }
    // Punctuation at a word's end belongs to the sentence.
    std::string_view word = message.substr(0, length);
    const std::size_t last = word.find_last_not_of(".:!?");
    const std::string_view tail = word.substr(last == std::string_view::npos ? 0 : last + 1);
    word.remove_suffix(tail.size());
    if (!word.empty()) result += replace_word(word);
    result += tail;
    message.remove_prefix(length);
    is_after_word = true;
  }
  return result;
}

}  // namespace trapline::collector
