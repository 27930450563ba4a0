#pragma once

#include <cstddef>

namespace trapline::core {

/// How large a JSON text's parts are, as a pass over it comes by them all anyway. Strings are measured as they are
/// written, with their escapes.
struct JsonExtent {
  std::size_t longest_string = 0;  ///< bytes; names of members are not measured
  std::size_t most_elements = 0;   ///< of an object or a list
  std::size_t levels = 0;          ///< 1: nothing is nested
};

}  // namespace trapline::core
