#pragma once

/// The contract of the API, openapi.json, as it stood when this was built.

#include <string_view>

namespace trapline::collector {

/// JSON text. Lives as long as the process.
std::string_view openapi_document();

}  // namespace trapline::collector
