#include "collector/storage/search_completion.h"

#include <algorithm>

namespace trapline::collector {
namespace {

bool ends_word(char c) { return is_search_blank(c) || c == '(' || c == ')'; }

/// Where the word begins that ends at, or goes on behind, the cursor; quotes keep blanks in it.
std::size_t begin_of_word(std::string_view text, std::size_t cursor) {
  std::size_t begin = 0;
  bool is_quoted = false;
  bool is_in_list = false;
  for (std::size_t at = 0; at < cursor; ++at) {
    const char c = text[at];
    if (is_quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && (c == '[' || c == ']')) {
      is_in_list = c == '[';
    } else if (!is_quoted && !is_in_list && ends_word(c)) {
      begin = at + 1;
    }
  }
  return std::min(begin, cursor);
}

/// Behind the key's colon; nothing when there is none before the cursor.
std::optional<std::size_t> begin_of_value(std::string_view word) {
  std::size_t end = 0;
  if (word.starts_with(kTagBegin)) {
    end = word.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    ++end;
  } else {
    while (end < word.size() && is_of_search_key(word[end])) ++end;
  }
  if (end == 0 || end >= word.size() || word[end] != ':') return std::nullopt;
  return end + 1;
}

/// Over what stands before a value: a negation, a list's other values, a comparison.
std::size_t skip_to_value(std::string_view word, std::size_t at) {
  if (at < word.size() && word[at] == '!') ++at;
  if (at < word.size() && word[at] == '[') {
    bool is_quoted = false;
    const std::size_t begin = at;
    for (std::size_t next = begin; next < word.size(); ++next) {
      if (word[next] == '"') is_quoted = !is_quoted;
      if (!is_quoted && (next == begin || word[next] == ',')) at = next + 1;
    }
    while (at < word.size() && is_search_blank(word[at])) ++at;
  }
  while (at < word.size() && (word[at] == '<' || word[at] == '>' || word[at] == '=')) ++at;
  return at;
}

std::size_t end_of_value(std::string_view text, std::size_t from, std::size_t cursor) {
  if (from < cursor && text[from] == '"') {
    const std::size_t quote = text.find('"', cursor);
    if (quote != std::string_view::npos && text.substr(cursor, quote - cursor).find(':') == std::string_view::npos) {
      return quote + 1;
    }
    return cursor;
  }
  std::size_t to = cursor;
  while (to < text.size() && !ends_word(text[to]) && text[to] != ',' && text[to] != ']') ++to;
  return to;
}

}  // namespace

CompletionPlace find_completion_place(std::string_view text, std::size_t cursor) {
  cursor = std::min(cursor, text.size());
  CompletionPlace place;
  place.from = begin_of_word(text, cursor);
  while (place.from < cursor && (text[place.from] == '!' || text[place.from] == '-')) ++place.from;
  const std::string_view word = text.substr(place.from, cursor - place.from);
  if (const auto value = begin_of_value(word)) {
    std::string_view name = word.substr(0, *value - 1);
    place.is_value = true;
    const bool is_tag = name.starts_with(kTagBegin);
    if (is_tag) name = name.substr(kTagBegin.size(), name.size() - kTagBegin.size() - 1);
    place.tag = name;
    place.key = is_tag ? nullptr : find_search_key(name);
    place.from += skip_to_value(word, *value);
  }
  place.to = end_of_value(text, place.from, cursor);
  place.prefix = text.substr(place.from, cursor - place.from);
  const bool is_quoted = place.prefix.starts_with('"');
  // A key is replaced with its colon.
  if (!place.is_value && !is_quoted) {
    const std::string_view rest = text.substr(cursor, place.to - cursor);
    if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) place.to = cursor + colon + 1;
  }
  if (place.is_value && is_quoted) place.prefix.erase(0, 1);
  return place;
}

std::optional<std::string> written_tag_key(std::string_view key) {
  const bool is_plain = !key.empty() && key.front() != '-' && std::all_of(key.begin(), key.end(), is_of_search_key);
  if (is_plain && nearest_search_key(key).empty()) return std::string(key);
  if (key.empty() || key.find(']') != std::string_view::npos) return std::nullopt;
  return std::string(kTagBegin).append(key).append("]");
}

std::string written_value(std::string_view value) {
  const auto is_plain = [](char c) {
    return !is_search_blank(c) && c != '"' && c != '(' && c != ')' && c != ',' && c != ']' && c != '*';
  };
  // Behind a colon, "::" and "://" make text of it.
  const bool begins_plain = !value.empty() && !value.starts_with("//") &&
                            std::string_view("!<>[:").find(value.front()) == std::string_view::npos;
  if (begins_plain && std::all_of(value.begin(), value.end(), is_plain)) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace trapline::collector
