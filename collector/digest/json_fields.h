#pragma once

/// Reading members of a parsed event that may be there or not, and may be of another kind than they should.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace trapline::collector {

/// The members of an event, by name: there are many, and nearly all that digestion looks for are asked for once.
class EventMembers {
 public:
  explicit EventMembers(const simdjson::dom::object& event) {
    for (const auto member : event) members_.push_back({member.key, member.value});
    std::sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) { return a.name < b.name; });
  }
  [[nodiscard]] bool has_repeated_names() const {
    return std::adjacent_find(members_.begin(), members_.end(),
                              [](const Member& a, const Member& b) { return a.name == b.name; }) != members_.end();
  }
  [[nodiscard]] simdjson::simdjson_result<simdjson::dom::element> operator[](std::string_view name) const {
    const auto found = std::lower_bound(members_.begin(), members_.end(), name,
                                        [](const Member& member, std::string_view key) { return member.name < key; });
    if (found == members_.end() || found->name != name) return simdjson::NO_SUCH_FIELD;
    return simdjson::dom::element(found->value);
  }

 private:
  struct Member {
    std::string_view name;
    simdjson::dom::element value;
  };
  std::vector<Member> members_;
};

template <class Object>
std::optional<simdjson::dom::element> field(const Object& from, std::string_view key) {
  simdjson::dom::element value;
  if (from[key].get(value) != simdjson::SUCCESS || value.is_null()) return std::nullopt;
  return value;
}

template <class Object>
std::optional<simdjson::dom::object> object_field(const Object& from, std::string_view key) {
  simdjson::dom::object value;
  if (from[key].get_object().get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

template <class Object>
std::string_view text_field(const Object& from, std::string_view key) {
  std::string_view text;
  if (from[key].get_string().get(text) != simdjson::SUCCESS) return {};
  return text;
}

inline bool bool_field(const simdjson::dom::object& from, std::string_view key) {
  bool value = false;
  return from[key].get_bool().get(value) == simdjson::SUCCESS && value;
}

inline std::string_view text_of(const simdjson::dom::element& value) {
  return value.is_string() ? value.get_string().value_unsafe() : std::string_view();
}

/// A value as text: strings as they are, numbers and booleans as JSON writes them, nothing else.
inline std::string as_text(const simdjson::dom::element& value) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) return std::string(text);
  if (value.is_null() || value.is_object() || value.is_array()) return {};
  return simdjson::minify(value);
}

template <class Object>
std::string any_text_field(const Object& from, std::string_view key) {
  const auto value = field(from, key);
  return value ? as_text(*value) : std::string();
}

}  // namespace trapline::collector
