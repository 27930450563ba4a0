#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace trapline::core {

/// How large the parts of a JSON object are and where its members stand, as a pass over it comes by all that anyway.
/// Strings are measured as they are written, with their escapes.
struct JsonOutline {
  struct Member {
    std::string_view name;           ///< as it is written: a view into the text
    std::size_t value = 0;           ///< where its value begins
    std::size_t scrubbed_value = 0;  ///< where it begins in the text without what is private
  };
  std::vector<Member> members;     ///< of the outermost object, as often as a name is repeated
  bool has_escaped_name = false;   ///< one of the members' names has escapes: it may be any
  std::size_t longest_string = 0;  ///< bytes; names are not measured
  std::size_t most_elements = 0;   ///< of an object or a list
  std::size_t levels = 0;          ///< 1: nothing is nested
};

}  // namespace trapline::core
