#pragma once

/// multipart/form-data (RFC 7578), as crash handlers upload it.

#include <string>
#include <string_view>
#include <vector>

#include "sdk/core/result.h"

namespace trapline::collector {

struct FormField {
  std::string name;
  std::string filename;  ///< empty: no file
  std::string content_type;
  std::string_view value;  ///< inside the body
};

/// Splits a body whose Content-Type is given. Errors: "unsupported_content_type" when that is another one or names no
/// boundary; "invalid_multipart" when the body is cut short or a part has no name; "too_many_parts".
core::Result<std::vector<FormField>> read_multipart(std::string_view content_type, std::string_view body);

}  // namespace trapline::collector
