#pragma once

/// The commands that do one thing and end. They work on the database directly, also while a server runs on it. What
/// they make is printed alone on standard output, so that scripts can take it as it is.

#include <string>

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

core::Status create_project(const Config& config, const std::string& name);

/// The password is the first line of standard input when that is no terminal and has one; else one is made and printed.
core::Status create_user(const Config& config, const std::string& email, const std::string& role);

core::Status create_token(const Config& config, const std::string& name, const std::string& scope);

}  // namespace trapline::collector
