#include "collector/digest/json_edit.h"

#include <algorithm>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include "sdk/core/json_text.h"

namespace trapline::collector {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::size_t skip_blanks(std::string_view source, std::size_t at) {
  while (at < source.size() && is_blank(source[at])) ++at;
  return at;
}

/// The position behind the string whose opening quote is at `at`.
std::size_t skip_string(std::string_view source, std::size_t at) {
  ++at;
  while (at < source.size()) {
    at = source.find('"', at);
    if (at == std::string_view::npos) return source.size();
    std::size_t escapes = 0;
    while (source[at - 1 - escapes] == '\\') ++escapes;
    ++at;
    if (escapes % 2 == 0) return at;
  }
  return at;
}

/// The position behind the value that begins at `at`.
std::size_t skip_value(std::string_view source, std::size_t at) {
  std::size_t depth = 0;
  while (at < source.size()) {
    const char c = source[at];
    if (c == '"') {
      at = skip_string(source, at);
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

struct Member {
  std::string_view key;  ///< as it is written
  std::size_t begin = 0;
  std::size_t value_begin = 0;
  std::size_t value_end = 0;
};

/// The member that begins at `at`, or behind a comma there; nothing at the object's end.
std::optional<Member> member_at(std::string_view source, std::size_t at) {
  at = skip_blanks(source, at);
  if (at < source.size() && source[at] == ',') at = skip_blanks(source, at + 1);
  if (at >= source.size() || source[at] != '"') return std::nullopt;
  Member member;
  member.begin = at;
  const std::size_t key_end = skip_string(source, at);
  member.key = source.substr(at + 1, key_end - at - 2);
  member.value_begin = skip_blanks(source, skip_blanks(source, key_end) + 1);  // behind the colon
  member.value_end = skip_value(source, member.value_begin);
  return member;
}

/// A key without its escapes: clients may write "time\u0073tamp".
std::string plain_key(std::string_view key) {
  if (key.find('\\') == std::string_view::npos) return std::string(key);
  const auto parsed = nlohmann::json::parse('"' + std::string(key) + '"', nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string(key);
}

bool is_key(std::string_view written, std::string_view key) {
  return written == key || (written.find('\\') != std::string_view::npos && plain_key(written) == key);
}

/// The key's member in an object, from `at` on, which is behind its brace or a member.
std::optional<Member> find_member(std::string_view source, std::size_t at, std::string_view key) {
  while (const auto member = member_at(source, at)) {
    if (is_key(member->key, key)) return member;
    at = member->value_end;
  }
  return std::nullopt;
}

/// The key's member in the outermost object, whose brace is at `brace`.
std::optional<Member> find_outermost(std::string_view source, std::size_t brace, std::string_view key,
                                     const MemberPlaces* places) {
  if (places == nullptr) return find_member(source, brace + 1, key);
  const auto value = places->find(key);
  if (!value) return std::nullopt;
  return Member{key, 0, *value, skip_value(source, *value)};
}

/// Takes a member that is not its object's first out, with the comma before it.
void erase_member(std::string& source, const Member& member) {
  const std::size_t comma = source.rfind(',', member.begin);
  source.erase(comma, member.value_end - comma);
}

}  // namespace

MemberPlaces::MemberPlaces(const core::JsonOutline& outline) {
  places_.reserve(outline.members.size() + 2);
  for (const auto& member : outline.members) places_.push_back({member.name, member.scrubbed_value});
}

std::optional<std::size_t> MemberPlaces::find(std::string_view name) const {
  const auto found =
      std::find_if(places_.begin(), places_.end(), [&](const Place& place) { return place.name == name; });
  return found == places_.end() ? std::nullopt : std::optional(found->value);
}

void MemberPlaces::move(std::size_t at, std::ptrdiff_t by) {
  for (Place& place : places_) {
    if (place.value >= at) place.value += static_cast<std::size_t>(by);
  }
}

void set_json_member(std::string& source, const std::vector<std::string_view>& path, std::string_view value,
                     MemberPlaces* places) {
  const std::size_t outermost_brace = source.find('{');
  const auto moved = [&](std::size_t at, std::size_t from, std::size_t to) {
    if (places != nullptr) places->move(at, static_cast<std::ptrdiff_t>(to) - static_cast<std::ptrdiff_t>(from));
  };
  std::size_t brace = outermost_brace;
  for (auto key = path.begin(); key != path.end(); ++key) {
    const bool is_last = key + 1 == path.end();
    const bool is_outermost = brace == outermost_brace;
    const auto member =
        is_outermost ? find_outermost(source, brace, *key, places) : find_member(source, brace + 1, *key);
    if (member && !is_outermost) {
      while (const auto repeated = find_member(source, member->value_end, *key)) {
        const std::size_t before = source.size();
        erase_member(source, *repeated);
        moved(repeated->begin, before, source.size());
      }
    }
    if (member && !is_last && source[member->value_begin] == '{') {
      brace = member->value_begin;
      continue;
    }
    // From here on the path is new: {"a":{"b":value}}.
    std::string made;
    for (auto rest = key + 1; rest != path.end(); ++rest) made += "{" + json_quoted(*rest) + ":";
    made += value;
    made.append(static_cast<std::size_t>(path.end() - key - 1), '}');
    const std::size_t before = source.size();
    if (member) {
      source.replace(member->value_begin, member->value_end - member->value_begin, made);
      moved(member->value_end, before, source.size());
      return;
    }
    const bool is_empty = source[skip_blanks(source, brace + 1)] == '}';
    const std::string name = json_quoted(*key) + ":";
    source.insert(brace + 1, name + made + (is_empty ? "" : ","));
    moved(brace + 1, before, source.size());
    if (is_outermost && places != nullptr) places->add(*key, brace + 1 + name.size());
    return;
  }
}

std::string_view json_value_at(std::string_view source, std::size_t at) {
  return source.substr(at, skip_value(source, at) - at);
}

void drop_repeated_members(std::string& source) {
  std::set<std::string> seen;
  std::size_t at = source.find('{') + 1;
  while (const auto member = member_at(source, at)) {
    at = member->value_end;
    if (seen.insert(plain_key(member->key)).second) continue;
    at = source.rfind(',', member->begin);
    erase_member(source, *member);
  }
}

std::string json_quoted(std::string_view text) {
  std::string quoted = "\"";
  core::append_json_escaped(quoted, text);
  return quoted + '"';
}

}  // namespace trapline::collector
