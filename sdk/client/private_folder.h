#pragma once

#include <string>

#include "sdk/core/result.h"

namespace trapline::sdk {

/// Where this system's programs keep such things for their user.
std::string default_data_folder();

/// Makes a folder and those it is in, for this user alone. Errors: "folder_failed", with the reason alone: it cannot be
/// made or written to, or another user's stands there.
core::Status make_private_folder(const std::string& path);

}  // namespace trapline::sdk
