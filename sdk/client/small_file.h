#pragma once

/// Reads of the system's small text files.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace trapline::sdk {

/// The first line of a file; empty when it cannot be read.
std::string first_line(const std::string& path);

/// The value of `name` in a file of lines "name<separator>value", without quotes.
std::string value_in(const std::string& path, std::string_view name, char separator);

std::optional<std::int64_t> to_number(const std::string& text);

}  // namespace trapline::sdk
