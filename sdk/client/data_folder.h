#pragma once

#include <optional>
#include <string>

#include "sdk/core/dsn.h"
#include "sdk/core/result.h"

namespace trapline::sdk {

/// The folder of a DSN's recorders and offline buffer, made where it is missing, readable by its owner alone. Its
/// parent: `wanted`, else $TRAPLINE_FOLDER, $XDG_STATE_HOME/trapline, $HOME/.local/state/trapline,
/// /var/tmp/trapline-<user id>. Errors: "folder_failed".
core::Result<std::string> make_data_folder(const std::optional<std::string>& wanted, const core::Dsn& dsn);

}  // namespace trapline::sdk
