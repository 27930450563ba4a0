#pragma once

#include <string>
#include <string_view>

#include "sdk/client/options.h"
#include "sdk/core/result.h"

namespace trapline::sdk {

/// What another process needs to deliver this one's crash as this one would: where to, how scrubbed. Hooks stay behind.
std::string delivery_options_json(const ClientOptions& options);

/// And back. With hooks in the first process, only crashes are delivered: other events have to pass them. Errors:
/// "invalid_options".
core::Result<ClientOptions> parse_delivery_options(std::string_view text);

}  // namespace trapline::sdk
