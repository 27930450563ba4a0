#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds GET /api/v1/projects/{id}/stats: what became of a project's events, hour by hour, for a chart.
void add_stats_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
