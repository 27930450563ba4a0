#pragma once

#include "collector/http/api_routes.h"
#include "collector/http/router.h"

namespace trapline::collector {

/// Adds what the API shows of taking in: what was refused of a project (/api/v1/projects/{id}/refusals), and the files
/// that came with an event (/api/v1/events/{project}/{event_id}/attachments[/{id}]).
void add_intake_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
