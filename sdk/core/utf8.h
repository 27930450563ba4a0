#pragma once

#include <cstddef>
#include <string_view>

namespace trapline::core {

/// U+FFFD, what stands for a character that could not be read.
constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// The bytes of the well-formed UTF-8 sequence (RFC 3629: no surrogates, no overlong forms) that the text begins with;
/// 0 when it begins with none.
std::size_t utf8_sequence_length(std::string_view text);

/// At most `max_bytes` of the text's beginning, cut between characters.
std::string_view truncate_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace trapline::core
