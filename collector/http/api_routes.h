#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "collector/accounts/accounts.h"
#include "collector/http/router.h"
#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// The text of openapi.json.
std::string_view openapi_text();

class LiveFeed;
class PayloadReader;
class UserPurges;

/// What the API's routes work with; all of it outlives them.
struct ApiContext {
  Store& store;
  Accounts& accounts;
  /// Where clients reach the collector, without a final slash. Known when the socket is bound, which is after the
  /// routes are made: shared for that reason.
  std::shared_ptr<const std::string> public_url;
  LiveFeed* live = nullptr;  ///< who is told of changes; none: nobody
  const core::Clock& clock = core::system_clock();
  // For the rights of users; without them, they have no routes.
  const PayloadReader* payloads = nullptr;
  UserPurges* purges = nullptr;
};

/// Adds /api/v1: projects, issues, events, what changes them, what is told of them, openapi.json.
void add_api_routes(Router& router, const ApiContext& context);

}  // namespace trapline::collector
