#pragma once

/// What may be set of projects and their keys, whoever asks: the command line and the API. Errors: "invalid_setting",
/// saying what is taken.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/store.h"

namespace trapline::collector {

Status check_project_name(std::string_view name);

/// Events an hour: a number, or "free", "pro" or "none".
Result<std::int64_t> read_rate_limit(std::string_view text);

/// What of a project is to be changed; what is left out stays.
struct ProjectChange {
  std::optional<std::string> name;
  std::optional<bool> require_signature;
  std::optional<std::vector<std::string>> allowed_origins;  ///< none: any
  std::optional<std::vector<std::string>> allowed_ips;
  std::optional<std::int64_t> rate_limit_per_hour;
  std::optional<std::int64_t> retention_days;
};

/// Checks the change and writes it down. Doors take it over within five seconds. Errors: also "not_found", "conflict".
Status change_project(ProjectStore& store, ProjectId project, const ProjectChange& change);

/// A new project with a key of its own.
Result<Project> create_project(ProjectStore& store, std::string_view name);

/// A new key, stored; with a secret for signatures when wanted.
Result<ProjectKey> create_key(IngestStore& store, ProjectId project, bool with_secret,
                              std::int64_t rate_limit_per_hour);

}  // namespace trapline::collector
