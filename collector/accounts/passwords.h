#pragma once

#include <string>
#include <string_view>

#include "sdk/core/result.h"

namespace trapline::collector {

constexpr std::size_t kLeastPasswordCharacters = 10;

/// The password's Argon2id hash (RFC 9106, libsodium's interactive limits: 64 MiB and some tens of milliseconds), as
/// text with its own salt and parameters. Only a few are computed at a time. Errors: "busy" when too many wait already,
/// "out_of_memory".
core::Result<std::string> hash_password(std::string_view password);

/// Whether the password is the one hashed. With an empty hash (no such user) it answers false after the same work, so
/// that the time tells nothing. Errors: as above.
core::Result<bool> verify_password(std::string_view password, const std::string& hash);

}  // namespace trapline::collector
