#pragma once

#include "collector/http/reply.h"

namespace trapline::collector {

/// Answers a GET that no other route has: a file of the dashboard, or its page, which finds its way by the address
/// itself.
HttpReply serve_dashboard(const HttpRequest& request);

}  // namespace trapline::collector
