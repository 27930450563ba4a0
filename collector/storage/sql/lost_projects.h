#pragma once

#include "collector/storage/sql/consistency_check.h"

namespace trapline::collector::sql {

/// Rows of projects that are not there. A project that still has issues or events is made again, under the name
/// "recovered-<id>" and without a key; of any other the rows go, in the steps of a deleted project.
Check lost_projects(UnixMillis now);

}  // namespace trapline::collector::sql
