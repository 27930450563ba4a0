#include "collector/digest/json_edit.h"

#include <optional>

#include "sdk/core/json_text.h"

namespace trapline::collector {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::size_t skip_blanks(std::string_view json, std::size_t at) {
  while (at < json.size() && is_blank(json[at])) ++at;
  return at;
}

/// The position behind the string whose opening quote is at `at`.
std::size_t skip_string(std::string_view json, std::size_t at) {
  ++at;
  while (at < json.size()) {
    at = json.find('"', at);
    if (at == std::string_view::npos) return json.size();
    std::size_t escapes = 0;
    while (json[at - 1 - escapes] == '\\') ++escapes;
    ++at;
    if (escapes % 2 == 0) return at;
  }
  return at;
}

/// The position behind the value that begins at `at`.
std::size_t skip_value(std::string_view json, std::size_t at) {
  std::size_t depth = 0;
  while (at < json.size()) {
    const char c = json[at];
    if (c == '"') {
      at = skip_string(json, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
      continue;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return at;  // the end of what the value stands in
      --depth;
      ++at;
    } else if (depth == 0 && (c == ',' || is_blank(c))) {
      return at;
    } else {
      ++at;
      continue;
    }
    if (depth == 0) return at;
  }
  return at;
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The value of the key in the object whose brace is at `brace`.
std::optional<Range> find_member(std::string_view json, std::size_t brace, std::string_view key) {
  std::size_t at = skip_blanks(json, brace + 1);
  while (at < json.size() && json[at] == '"') {
    const std::size_t key_begin = at + 1;
    at = skip_string(json, at);
    const std::string_view found = json.substr(key_begin, at - 1 - key_begin);
    at = skip_blanks(json, skip_blanks(json, at) + 1);  // behind the colon
    const std::size_t end = skip_value(json, at);
    if (found == key) return Range{at, end};
    at = skip_blanks(json, end);
    if (at < json.size() && json[at] == ',') at = skip_blanks(json, at + 1);
  }
  return std::nullopt;
}

}  // namespace

void set_json_member(std::string& json, std::initializer_list<std::string_view> path, std::string_view value) {
  std::size_t brace = json.find('{');
  for (const auto* key = path.begin(); key != path.end(); ++key) {
    const bool is_last = key + 1 == path.end();
    const auto member = find_member(json, brace, *key);
    if (member && !is_last && json[member->begin] == '{') {
      brace = member->begin;
      continue;
    }
    // From here on the path is new: {"a":{"b":value}}.
    std::string made;
    for (const auto* rest = key + 1; rest != path.end(); ++rest) made += "{" + json_quoted(*rest) + ":";
    made += value;
    made.append(static_cast<std::size_t>(path.end() - key - 1), '}');
    if (member) {
      json.replace(member->begin, member->end - member->begin, made);
    } else {
      const bool is_empty = json[skip_blanks(json, brace + 1)] == '}';
      json.insert(brace + 1, json_quoted(*key) + ":" + made + (is_empty ? "" : ","));
    }
    return;
  }
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  core::append_json_escaped(quoted, text);
  return quoted + '"';
}

}  // namespace trapline::collector
