#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds what people do to issues: PATCH, merge, unmerge, hashes, history.
void add_issue_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
