#pragma once

/// The bodies that create and change projects and keys. Errors: "invalid_parameter" and "invalid_setting", naming what
/// is wrong.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/ingest/project_settings.h"

namespace trapline::collector {

/// POST /api/v1/projects: the project's name.
Result<std::string> read_new_project(std::string_view text);

/// PATCH /api/v1/projects/{id}
Result<ProjectChange> read_project_change(std::string_view text);

/// POST /api/v1/projects/{id}/keys; an empty body is one without wishes.
struct NewKey {
  bool with_secret = false;
  std::int64_t rate_limit_per_hour = 0;
};
Result<NewKey> read_new_key(std::string_view text);

/// PATCH /api/v1/projects/{id}/keys/{public_key}
Result<KeyChange> read_key_change(std::string_view text);

}  // namespace trapline::collector
