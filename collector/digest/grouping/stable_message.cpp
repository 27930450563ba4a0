#include "collector/digest/grouping/stable_message.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "collector/digest/grouping/random_word.h"
#include "collector/digest/grouping/word_kinds.h"
#include "sdk/core/utf8.h"

namespace trapline::collector {
namespace {

constexpr std::string_view kNumber = "<num>";
/// What the scrubber puts in place of a home folder's user.
constexpr std::string_view kScrubbedUser = "[user]";

using core::is_lower;
using core::is_upper;

/// Bytes beyond ASCII belong to letters of other scripts.
bool is_word_character(char c) { return is_digit(c) || is_letter(c) || static_cast<unsigned char>(c) >= 0x80; }

template <std::size_t N>
bool is_any_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Marks of quotation beyond ASCII, each with those that may close it.
struct TypographicQuote {
  std::string_view open;
  std::array<std::string_view, 2> close;
};
constexpr std::array<TypographicQuote, 6> kTypographicQuotes = {{{"\u201c", {"\u201d", "\u201d"}},
                                                                 {"\u201e", {"\u201c", "\u201d"}},
                                                                 {"\u2018", {"\u2019", "\u2019"}},
                                                                 {"\u201a", {"\u2018", "\u2019"}},
                                                                 {"\u00ab", {"\u00bb", "\u00bb"}},
                                                                 {"\u2039", {"\u203a", "\u203a"}}}};

bool begins_with_typographic_quote(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead != 0xE2 && lead != 0xC2) return false;
  return std::any_of(kTypographicQuotes.begin(), kTypographicQuotes.end(), [&](const TypographicQuote& quote) {
    return text.starts_with(quote.open) || text.starts_with(quote.close[0]) || text.starts_with(quote.close[1]);
  });
}

std::size_t typographic_quotation_length(std::string_view text) {
  const auto* const quote = std::find_if(kTypographicQuotes.begin(), kTypographicQuotes.end(),
                                         [&](const TypographicQuote& one) { return text.starts_with(one.open); });
  if (quote == kTypographicQuotes.end()) return 0;
  const std::string_view reach = text.substr(0, kMostQuoted);
  const std::size_t first = reach.find(quote->close[0], quote->open.size());
  const std::size_t close = std::min(first, reach.find(quote->close[1], quote->open.size()));
  return close == std::string_view::npos ? 0 : close + quote->close[0].size();
}

/// The length of the quotation that the text begins with, quotes included; 0 when there is none, or it does not close
/// soon.
std::size_t quotation_length(std::string_view text, bool is_after_word) {
  if (!is_one_of(text.front(), kQuotes)) return typographic_quotation_length(text);
  if (is_after_word) return 0;  // an apostrophe
  const std::string_view reach = text.substr(0, kMostQuoted);
  const std::array<char, 2> ends = {text.front(), '\n'};
  const std::size_t close = reach.find_first_of(std::string_view(ends.data(), ends.size()), 1);
  return close != std::string_view::npos && reach[close] == text.front() ? close + 1 : 0;
}

std::size_t word_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size()) {
    const char c = text[length];
    const bool groups_digits = c == ',' && length > 0 && is_digit(text[length - 1]) && length + 1 < text.size() &&
                               is_digit(text[length + 1]);  // "1,234"
    if (is_one_of(c, kBlanks) || is_one_of(c, kQuotes) || (is_one_of(c, kSeparators) && !groups_digits)) break;
    if (static_cast<unsigned char>(c) >= 0x80 && begins_with_typographic_quote(text.substr(length))) break;
    ++length;
  }
  if (text.substr(0, length).find("://") == std::string_view::npos) return length;
  // Addresses hold separators too: they go on to the next blank or quote.
  const auto ends_url = [](char c) { return is_one_of(c, kBlanks) || is_one_of(c, kQuotes) || c == '<' || c == '>'; };
  return static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends_url) - text.begin());
}

/// 00:1a:2b:3c:4d:5e, 00-1A-2B-3C-4D-5E
bool is_mac(std::string_view word) {
  constexpr std::size_t kLength = 17;
  if (word.size() != kLength || (word[2] != ':' && word[2] != '-')) return false;
  for (std::size_t index = 0; index < kLength; ++index) {
    if (index % 3 == 2 ? word[index] != word[2] : !is_hex_digit(word[index])) return false;
  }
  return true;
}

/// "node7.example.com", "db.prod.internal:5432". A module's or a field's name looks alike: only endings that names of
/// hosts have count.
bool is_host(std::string_view word) {
  constexpr std::array<std::string_view, 3> kEvenOfTwo = {"com", "net", "org"};
  constexpr std::array<std::string_view, 30> kOfThree = {
      "local", "internal", "lan", "svc",  "cloud", "example", "test", "io", "dev", "app",
      "edu",   "gov",      "int", "info", "biz",   "de",      "fr",   "uk", "jp",  "cn",
      "eu",    "nl",       "ch",  "at",   "pl",    "ru",      "br",   "au", "ca",  "us"};
  const std::size_t port = word.find(':');
  if (port != std::string_view::npos && !all_of(word.substr(port + 1), is_digit)) return false;
  word = word.substr(0, port);
  const std::size_t last = word.rfind('.');
  if (last == std::string_view::npos || last == 0 || word.front() == '.') return false;
  const std::string_view ending = word.substr(last + 1);
  const bool has_three = word.find('.') != last;
  if (!is_any_of(ending, kEvenOfTwo) && !(has_three && is_any_of(ending, kOfThree))) return false;
  return all_of(word, [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_'; });
}

/// The length of the number that the word begins with, with sign, grouping, decimals and exponent; 0 when it begins
/// with none.
std::size_t number_length(std::string_view word) {
  std::size_t end = !word.empty() && is_one_of(word[0], "+-") ? 1 : 0;
  const std::size_t start = end;
  while (end < word.size() && (is_digit(word[end]) || (end > start && is_one_of(word[end], ".,_")))) ++end;
  if (end == start) return 0;
  if (end < word.size() && (word[end] == 'e' || word[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < word.size() && is_one_of(word[exponent], "+-")) ++exponent;
    const std::size_t digits = exponent;
    while (exponent < word.size() && is_digit(word[exponent])) ++exponent;
    if (exponent > digits) end = exponent;
  }
  return end;
}

/// What a number with this unit is; empty: no unit is known by that name.
std::string_view kind_of_unit(std::string_view unit) {
  constexpr std::array<std::string_view, 31> kDurations = {
      "ns",   "us",     "\u00b5s", "ms",     "s",    "sec",   "secs", "second",      "seconds",     "m",   "min",
      "mins", "minute", "minutes", "h",      "hr",   "hrs",   "hour", "hours",       "d",           "day", "days",
      "week", "weeks",  "month",   "months", "year", "years", "msec", "millisecond", "milliseconds"};
  constexpr std::array<std::string_view, 16> kSizes = {"B",   "kB",  "KB",  "MB",  "GB",   "TB",    "PB", "KiB",
                                                       "MiB", "GiB", "TiB", "PiB", "byte", "bytes", "kb", "mb"};
  if (is_any_of(unit, kDurations)) return "<duration>";
  if (is_any_of(unit, kSizes)) return "<size>";
  return {};
}

/// "1m30s", "2h5m": several numbers with units of time in one word.
bool is_compound_duration(std::string_view word) {
  while (!word.empty()) {
    const std::size_t number = number_length(word);
    if (number == 0) return false;
    word.remove_prefix(number);
    const auto* const end = std::find_if(word.begin(), word.end(), is_digit);
    const auto unit = static_cast<std::size_t>(end - word.begin());
    if (kind_of_unit(word.substr(0, unit)) != "<duration>") return false;
    word.remove_prefix(unit);
  }
  return true;
}

/// Whether a number stands in a name: one digit, or a width or number that things are named after.
bool is_number_of_name(std::string_view digits) {
  constexpr std::array<std::string_view, 9> kNumbers = {"16", "32", "64", "86", "128", "256", "384", "509", "512"};
  return digits.size() == 1 || is_any_of(digits, kNumbers);
}

/// Whether a stretch of letters and digits is a name although it has digits: "utf8", "sha256", "Vector3",
/// "Utf8JsonReader", "v12", "k8s".
bool is_name(std::string_view part) {
  constexpr std::size_t kLeastHex = 6;
  constexpr std::size_t kShort = 5;
  if (is_digit(part.front()) || (part.size() >= kLeastHex && all_of(part, is_hex_digit))) return false;
  const bool is_version = part.size() <= 3 && (part[0] == 'v' || part[0] == 'V') && all_of(part.substr(1), is_digit);
  const bool is_short = part.size() <= kShort && is_lower(part.front()) && is_lower(part.back());
  if (is_version || is_short) return true;
  for (std::size_t at = 0; at < part.size();) {
    std::size_t end = at;
    while (end < part.size() && is_digit(part[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    const bool begins_next = end + 1 < part.size() && is_upper(part[end]) && is_lower(part[end + 1]);
    if (!is_number_of_name(part.substr(at, end - at)) || (end < part.size() && !begins_next)) return false;
    at = end;
  }
  return true;
}

/// A word that is no known kind: of its stretches of letters and digits those go that are no names.
void add_without_variables(std::string_view word, std::string& result) {
  while (!word.empty()) {
    const auto* const end = std::find_if_not(word.begin(), word.end(), is_word_character);
    const auto length = static_cast<std::size_t>(end - word.begin());
    const std::string_view part = word.substr(0, length);
    const bool varies = std::any_of(part.begin(), part.end(), is_digit) && !is_name(part);
    result += varies ? kNumber : part;
    word.remove_prefix(length);
    if (word.empty()) return;
    result += word.front();
    word.remove_prefix(1);
  }
}

/// What the word is replaced by; empty: it is no known kind.
std::string_view kind_of_word(std::string_view word) {
  if (word.find("://") != std::string_view::npos) return "<url>";
  if (is_email(word)) return "<email>";
  // Of ids in base64 some begin with a slash; what has another one may be a path with an id in it.
  if (word.starts_with('/') && word.find('/', 1) == std::string_view::npos && is_random_word(word)) return kNumber;
  if (is_path(word)) return "<path>";
  if (is_host(word)) return "<host>";
  if (is_mac(word)) return "<mac>";
  if (!std::any_of(word.begin(), word.end(), is_digit)) return is_random_word(word) ? kNumber : std::string_view();
  if (is_uuid(word)) return "<uuid>";
  if (is_ipv4(word) || is_ipv6(word)) return "<ip>";
  if (is_date_or_time(word)) return "<date>";
  if (word.starts_with("0x") || word.starts_with("0X")) return all_of(word.substr(2), is_hex_digit) ? kNumber : "";
  const std::size_t number = number_length(word);
  if (number == word.size()) return kNumber;
  if (number > 0) {
    const std::string_view unit = word.substr(number);
    if (unit == "%") return "<num>%";
    if (const std::string_view kind = kind_of_unit(unit); !kind.empty()) return kind;
    if (is_compound_duration(word)) return "<duration>";
  }
  return is_random_word(word) ? kNumber : std::string_view();
}

/// Takes the next word behind one blank, without a comma behind it, from the text; empty: there is none.
std::string_view next_word(std::string_view& text) {
  if (text.empty() || text.front() != ' ') return {};
  const std::string_view word = text.substr(1, word_length(text.substr(1)));
  text.remove_prefix(1 + word.size());
  return word;
}

bool is_month(std::string_view word) {
  constexpr std::array<std::string_view, 24> kMonths = {
      "Jan",  "Feb",  "Mar",    "Apr",       "May",     "Jun",      "Jul",      "Aug",
      "Sep",  "Oct",  "Nov",    "Dec",       "January", "February", "March",    "April",
      "June", "July", "August", "September", "October", "November", "December", "Sept"};
  return !word.empty() && is_upper(word.front()) && is_any_of(word, kMonths);
}

bool is_weekday(std::string_view word) {
  constexpr std::array<std::string_view, 14> kDays = {"Mon",      "Tue",    "Wed",      "Thu",     "Fri",
                                                      "Sat",      "Sun",    "Monday",   "Tuesday", "Wednesday",
                                                      "Thursday", "Friday", "Saturday", "Sunday"};
  return is_any_of(word, kDays);
}

bool is_number_of(std::string_view word, std::size_t least_digits, std::size_t most_digits) {
  return word.size() >= least_digits && word.size() <= most_digits && all_of(word, is_digit);
}

/// The length of a date in words that the text begins with: "Nov 26 2026", "26 November 2026", "Thu, Nov 26"; 0 when it
/// begins with none.
std::size_t worded_date_length(std::string_view text) {
  const char first = text.front();
  if (!is_upper(first) && !is_digit(first)) return 0;
  std::string_view rest = text;
  std::string_view word = rest.substr(0, word_length(rest));
  rest.remove_prefix(word.size());
  if (is_weekday(word)) {
    if (rest.starts_with(',')) rest.remove_prefix(1);
    word = next_word(rest);
  }
  const bool is_month_first = is_month(word);
  if (!is_month_first && !is_number_of(word, 1, 2)) return 0;
  const std::string_view second = next_word(rest);
  if (is_month_first ? !is_number_of(second, 1, 2) : !is_month(second)) return 0;
  std::string_view behind = rest;
  if (behind.starts_with(',')) behind.remove_prefix(1);
  if (is_number_of(next_word(behind), 4, 4)) rest = behind;
  return text.size() - rest.size();
}

/// How much of the text behind a path belongs to it: what the scrubber put in place of a user, and what follows that.
std::size_t scrubbed_path_length(std::string_view text) {
  std::size_t length = 0;
  while (text.substr(length).starts_with(kScrubbedUser)) {
    length += kScrubbedUser.size();
    length += word_length(text.substr(length));
  }
  return length;
}

/// Adds what the word that the text begins with is replaced by. Answers how much of the text that was: a number and the
/// unit behind it are one.
std::size_t add_word(std::string_view text, std::size_t length, std::string& result) {
  if (is_path(text.substr(0, length))) length += scrubbed_path_length(text.substr(length));
  std::string_view word = text.substr(0, length);
  // Punctuation at a word's end belongs to the sentence.
  const std::size_t last = word.find_last_not_of(".:!?");
  const std::string_view tail = word.substr(last == std::string_view::npos ? 0 : last + 1);
  word.remove_suffix(tail.size());
  const std::string_view kind = word.empty() ? std::string_view() : kind_of_word(word);
  if (kind == kNumber && tail.empty()) {
    std::string_view rest = text.substr(length);
    std::string_view unit = next_word(rest);
    const std::size_t unit_end = unit.find_last_not_of(".:!?");
    const std::string_view unit_tail = unit.substr(unit_end == std::string_view::npos ? 0 : unit_end + 1);
    unit.remove_suffix(unit_tail.size());
    if (const std::string_view kind_of_both = kind_of_unit(unit); !kind_of_both.empty()) {
      result += kind_of_both;
      result += unit_tail;
      return text.size() - rest.size();
    }
  }
  if (kind.empty()) {
    add_without_variables(word, result);
  } else {
    result += kind;
  }
  result += tail;
  return length;
}

}  // namespace

std::string stable_message(std::string_view message) {
  message = core::truncate_utf8(message, kMostMessageBytes);
  std::string result;
  result.reserve(message.size());
  bool is_after_word = false;
  while (!message.empty()) {
    if (const std::size_t length = quotation_length(message, is_after_word); length > 0) {
      result += "<quoted>";
      message.remove_prefix(length);
      is_after_word = true;
      continue;
    }
    if (const std::size_t length = is_after_word ? 0 : worded_date_length(message); length > 0) {
      result += "<date>";
      message.remove_prefix(length);
      is_after_word = true;
      continue;
    }
    const std::size_t length = word_length(message);
    is_after_word = length > 0;
    if (length == 0) {
      result += message.front();
      message.remove_prefix(1);
      continue;
    }
    message.remove_prefix(add_word(message, length, result));
  }
  return result;
}

}  // namespace trapline::collector
