#pragma once

/// What people sign in with.

#include <optional>
#include <string>
#include <string_view>

namespace trapline::collector {

/// The address in lower case, without spaces around it; nothing when it cannot be one: it needs one @ with text before
/// it and a name after it, no spaces or control characters, and at most 254 characters (RFC 5321). Whether mail
/// arrives there is not known.
std::optional<std::string> normalise_email(std::string_view text);

}  // namespace trapline::collector
