#pragma once

/// Reads what strangers send with nlohmann's parser. That parser itself does not recurse, but copying or printing one
/// of its values does, level by level, without a limit: on a thread's stack of 1 MiB some ten thousand brackets end the
/// process.

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

namespace trapline::core {

/// Far more than any client or person writes, far fewer than a stack holds.
constexpr std::size_t kMostJsonLevels = 100;

/// Whether brackets outside of strings stand in each other more than `levels` deep. Of text that is no JSON, at least
/// up to where it stops being it.
inline bool is_nested_deeper_than(std::string_view json, std::size_t levels) {
  std::size_t depth = 0;
  bool is_in_string = false;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char character = json[at];
    if (character == '"') is_in_string = !is_in_string;
    if (is_in_string) {
      if (character == '\\') ++at;
      continue;
    }
    if (character == '[' || character == '{') ++depth;
    if ((character == ']' || character == '}') && depth > 0) --depth;
    if (depth > levels) return true;
  }
  return false;
}

/// The value, or one that is_discarded() when the text is no JSON or nested deeper than kMostJsonLevels.
inline nlohmann::json parse_bounded_json(std::string_view text) {
  if (is_nested_deeper_than(text, kMostJsonLevels))
    return nlohmann::json(nlohmann::json::value_t::discarded);  // braces would make a list of it
  return nlohmann::json::parse(text, nullptr, false);
}

}  // namespace trapline::core
