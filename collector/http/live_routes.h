#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds GET /api/v1/stream: what happens, as server-sent events (live_feed.h).
void add_live_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
