#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace trapline::core {

/// Appends `text` as the inside of a JSON string (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD.
void append_json_escaped(std::string& json, std::string_view text);

/// The text that the inside of a JSON string stands for; nothing when its escapes are wrong. A lone surrogate becomes
/// U+FFFD.
std::optional<std::string> unescape_json(std::string_view inside);

}  // namespace trapline::core
