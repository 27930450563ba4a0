#pragma once

#include <memory>
#include <string>

#include "collector/config.h"
#include "collector/storage/file_lock.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Makes the data folder if need be, readable for its owner only. Error: "cannot_use_data".
core::Status prepare_data_folder(const Config& config);

/// Held while a server uses the data folder, or nobody is to. Errors: "data_in_use", "cannot_use_data".
core::Result<std::unique_ptr<FileLock>> lock_data_folder(const std::string& folder);

/// `trapline-collector serve`: runs until SIGTERM or SIGINT. An error means that it could not start.
core::Status serve(const Config& config);

}  // namespace trapline::collector
