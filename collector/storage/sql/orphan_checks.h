#pragma once

/// Rows whose owner is not there. What has events is kept: its owner is made again, as far as that is known, and can be
/// deleted by who does not want it. The rest goes.

#include <vector>

#include "collector/storage/sql/consistency_check.h"

namespace trapline::collector::sql {

std::vector<Check> orphan_checks(UnixMillis now, const Sealer& sealer);

}  // namespace trapline::collector::sql
