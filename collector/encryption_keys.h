#pragma once

#include <string>
#include <vector>

#include "collector/storage/sealing.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// The keys of TRAPLINE_ENCRYPTION_KEY, which is no option of the command line, as others can read that; then those of
/// the file, if its name is not empty. Warns on standard error when others may read the file. Error: "invalid_config".
core::Result<std::vector<EncryptionKey>> load_encryption_keys(const std::string& file);

}  // namespace trapline::collector
