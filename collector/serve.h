#pragma once

#include "collector/config.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Makes the data folder if need be, readable for its owner only. Error: "cannot_use_data".
core::Status prepare_data_folder(const Config& config);

/// `trapline-collector serve`: runs until SIGTERM or SIGINT. An error means that it could not start.
core::Status serve(const Config& config);

}  // namespace trapline::collector
