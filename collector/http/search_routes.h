#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// What helps to search: completions, and the tags of an issue.
void add_search_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
