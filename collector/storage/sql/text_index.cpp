#include "collector/storage/sql/text_index.h"

#include <algorithm>

#include "collector/storage/sql/connection.h"
#include "collector/storage/sql/issue_tally.h"
#include "sdk/core/ascii.h"

namespace trapline::collector::sql {
namespace {

constexpr std::size_t kMostWords = 64;
/// Shorter beginnings of words would find half of all that there is.
constexpr std::size_t kShortestBeginning = 3;

bool is_of_word(char c) { return core::is_alnum(c) || static_cast<unsigned char>(c) >= 0x80; }

}  // namespace

bool TextQuery::is_one_word() const {
  return words.size() == 1 && std::all_of(words[0].begin(), words[0].end(), [](char c) { return core::is_alnum(c); });
}

std::uint32_t text_mark(std::string_view text) { return static_cast<std::uint32_t>(user_hash(text)); }

std::string_view next_word(std::string_view& rest) {
  std::size_t begin = 0;
  while (begin < rest.size() && !is_of_word(rest[begin])) ++begin;
  std::size_t end = begin;
  while (end < rest.size() && is_of_word(rest[end])) ++end;
  const std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

std::vector<std::string> text_words(std::string_view text, std::size_t most) {
  std::vector<std::string> words;
  while (words.size() < most) {
    const std::string_view word = next_word(text);
    if (word.empty()) break;
    words.emplace_back(word);
  }
  return words;
}

std::string without_signs(std::string_view text) {
  std::string plain(text);
  for (char& c : plain) {
    if (!is_of_word(c)) c = ' ';
  }
  return plain;
}

std::string hash_marks() {
  std::string marks = "(?";
  for (std::size_t hash = 1; hash < kMostHashesAtOnce; ++hash) marks += ", ?";
  return marks + ")";
}

void bind_hashes(Statement& statement, std::span<const std::int64_t> hashes) {
  for (std::size_t index = 0; index < kMostHashesAtOnce; ++index) {
    statement.bind(hashes[std::min(index, hashes.size() - 1)]);
  }
}

TextQuery text_query(std::string_view text, bool is_phrase) {
  TextQuery query{text_words(text, kMostWords), is_phrase};
  if (!query.words.empty() && query.words.back().size() < kShortestBeginning) query.is_last_whole = true;
  return query;
}

}  // namespace trapline::collector::sql
