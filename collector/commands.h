#pragma once

/// The commands that do one thing and end. They work on the database directly, also while a server runs on it. What
/// they make is printed alone on standard output, so that scripts can take it as it is.

#include <memory>
#include <optional>
#include <string>

#include "collector/config.h"
#include "collector/storage/store.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// The database that the configuration names.
core::Result<std::unique_ptr<Store>> open_configured_store(const Config& config);

/// Error: "not_found".
core::Result<Project> find_project_by_name(Store& store, const std::string& name);

/// To be called after reading: says on standard error what was left out of what the store has, as it is damaged. Error:
/// "incomplete" when something was.
core::Status tell_left_out(Store& store);

core::Status create_project(const Config& config, const std::string& name);

/// What of a project's switches is to be changed, as it was written; what is left out stays.
struct ProjectChanges {
  std::optional<std::string> require_signature;  ///< "on" or "off"
  std::optional<std::string> allowed_origins;    ///< separated by commas; empty: any
  std::optional<std::string> allowed_ips;
  std::optional<std::string> rate_limit;  ///< events an hour, "free", "pro" or "none"
};
/// A running server takes the changes over within five seconds. Errors: "not_found", "invalid_setting".
core::Status change_project(const Config& config, const std::string& name, const ProjectChanges& changes);

/// Makes a further key, with a secret for signatures when wanted, and prints its DSN.
core::Status create_key(const Config& config, const std::string& project, bool with_secret,
                        const std::string& rate_limit);

/// Lets a key open its project, or not.
core::Status set_key_active(const Config& config, const std::string& public_key, bool is_active);

/// The password is the first line of standard input when that is no terminal and has one; else one is made and printed.
core::Status create_user(const Config& config, const std::string& email, const std::string& role);

core::Status create_token(const Config& config, const std::string& name, const std::string& scope);

}  // namespace trapline::collector
