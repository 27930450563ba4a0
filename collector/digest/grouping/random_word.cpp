#include "collector/digest/grouping/random_word.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "collector/digest/grouping/word_kinds.h"

namespace trapline::collector {
namespace {

using core::is_lower;
using core::is_upper;

constexpr std::size_t kLeast = 10;

/// By the first letter from a to z: the letters that follow it in fewer than one in 5,000 pairs of letters in the names
/// of C, C++, Python and JavaScript sources.
constexpr std::array<std::string_view, 26> kRareAfter = {"ahjoqz",
                                                         "bdfghmpqvwxz",
                                                         "gjnqvwxz",
                                                         "gjknqvxyz",
                                                         "juz",
                                                         "cdghjkmqswxz",
                                                         "dghjkpqvwxyz",
                                                         "bcdfghjklnpqsuvwxyz",
                                                         "hijkquwy",
                                                         "abcdfghijklmnopqrstuvwxyz",
                                                         "bfghjklmopqrvwxyz",
                                                         "jkmqrwxz",
                                                         "chjlnqrtvwxyz",
                                                         "hjkqrwxyz",
                                                         "ehjqxyz",
                                                         "cgjmqvxz",
                                                         "abcdefghijklmnopqrstvwxyz",
                                                         "hjkqwxz",
                                                         "bdjqv",
                                                         "gjkqvz",
                                                         "dhjkoquvwxyz",
                                                         "bcdfghjklmnqrstuvwxyz",
                                                         "bcefghjklmpqstuvwxyz",
                                                         "abdfghijklmoqrsuvwxyz",
                                                         "abcdeghjkloruvwxyz",
                                                         "abcdfghijklmnopqrstuvwxyz"};

bool is_rare_pair(char first, char second) {
  if (!is_letter(first) || !is_letter(second)) return false;
  return is_one_of(core::to_lower(second), kRareAfter.at(static_cast<std::size_t>(core::to_lower(first) - 'a')));
}

}  // namespace

bool is_random_word(std::string_view word) {
  const bool has_both_cases =
      std::any_of(word.begin(), word.end(), is_upper) && std::any_of(word.begin(), word.end(), is_lower);
  if (word.size() < kLeast || !has_both_cases ||
      !all_of(word, [](char c) { return is_digit(c) || is_letter(c) || is_one_of(c, "+/-_"); })) {
    return false;
  }
  std::size_t pairs = 0;
  std::size_t odd_ones = 0;
  for (std::size_t index = 1; index < word.size(); ++index) {
    const char first = word[index - 1];
    const char second = word[index];
    // What separates the parts of a name tells nothing.
    if (!core::is_alnum(first) || !core::is_alnum(second)) continue;
    ++pairs;
    const bool changes = (is_lower(first) && is_upper(second)) || is_digit(first) != is_digit(second);
    odd_ones += changes || is_rare_pair(first, second) ? 1 : 0;
  }
  const bool has_digits = std::any_of(word.begin(), word.end(), is_digit);
  return has_digits ? 3 * odd_ones > pairs : 5 * odd_ones > 2 * pairs;
}

}  // namespace trapline::collector
