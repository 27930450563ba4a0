#pragma once

#include <trapline/trapline.h>

#include "sdk/client/options.h"
#include "sdk/core/result.h"

namespace trapline::sdk {

/// The options as the C interface hands them over. Errors: "invalid_option".
core::Result<ClientOptions> read_options(const trapline_options* options);

}  // namespace trapline::sdk
