#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds how a project's releases do: /api/v1/projects/{id}/release-health, and .../release-health/hours of one release.
void add_release_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
