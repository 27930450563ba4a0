#pragma once

#include <array>
#include <string>

#include "sdk/core/result.h"

namespace trapline::collector {

/// What the hashes of private users' names are made with. Without it, whoever has the database could try every e-mail
/// address that there is; so it lies in a file beside the database, and not in it.
using UserKey = std::array<unsigned char, 32>;

/// Reads the key, or makes one when there is none. When a new one cannot be written it serves until the process ends;
/// sessions of a user before and after that count as two users'. Error: "storage" when there is one that cannot be
/// read.
core::Result<UserKey> load_user_key(const std::string& path);

}  // namespace trapline::collector
