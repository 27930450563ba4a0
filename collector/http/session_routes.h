#pragma once

#include "collector/accounts/accounts.h"
#include "collector/http/router.h"

namespace trapline::collector {

/// Adds signing in and out, and the one-time link of the first start. `accounts` outlives the router. Cookies are
/// marked Secure when browsers reach the collector by https.
void add_session_routes(Router& router, Accounts& accounts, bool is_https);

}  // namespace trapline::collector
