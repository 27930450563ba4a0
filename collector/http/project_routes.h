#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds projects and their keys: what there is for those who may read, what changes them for admins.
void add_project_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
