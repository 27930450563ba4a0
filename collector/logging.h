#pragma once

/// Logs go to standard error: one JSON object a line where a program reads them, plain lines on a terminal.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace trapline::collector {

/// Sets spdlog up for the whole process. Once, before threads start.
void start_logging();

/// Logs a sentence with named values beside it: `"url": "http://…"` in JSON, `url=http://…` on a terminal.
void log_with_fields(std::string_view message, std::initializer_list<std::pair<std::string_view, std::string>> fields);

}  // namespace trapline::collector
