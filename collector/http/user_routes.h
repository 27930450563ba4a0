#pragma once

#include "collector/http/api_routes.h"

namespace trapline::collector {

/// What users of the programs that report here may ask for: their data, or that it be erased. For admins.
void add_user_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
