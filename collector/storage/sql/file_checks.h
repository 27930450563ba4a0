#pragma once

/// Attachments against the files that their bytes are in.

#include <vector>

#include "collector/storage/sql/consistency_check.h"

namespace trapline::collector::sql {

std::vector<Check> file_checks(const CheckContext& context);

}  // namespace trapline::collector::sql
