#pragma once

/// Event ids: 128 random bits, written as 32 lower-case hex digits.

#include <optional>
#include <string>
#include <string_view>

namespace trapline::core {

/// A fresh id (a version 4 UUID, RFC 9562, without its dashes).
std::string new_event_id();

/// The 32-digit form of what clients send: upper or lower case, with or without a UUID's dashes. Nothing for any other
/// text, and for the nil id (all zeros), which old clients send when they have none.
std::optional<std::string> normalise_event_id(std::string_view text);

}  // namespace trapline::core
