#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds how a project's events are digested, and what became of them: settings, explanations of groups, quarantine,
/// ledger.
void add_digest_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
