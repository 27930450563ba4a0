#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds /api/v1/issues/export and /api/v1/events/export (export.h).
void add_export_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
