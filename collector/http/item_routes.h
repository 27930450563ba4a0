#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// Adds what clients told beside events, the newest first: sessions, check-ins, feedback, transactions.
void add_item_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
