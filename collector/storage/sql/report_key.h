#pragma once

#include <string>

#include "collector/storage/records.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// The 32 bytes that reports of erasures are signed with. Empty: there are none yet.
std::string find_report_key(Connection& connection, const Sealer& sealer);
/// The same; made when there are none.
std::string make_report_key(Connection& writer, const Sealer& sealer, UnixMillis now);

}  // namespace trapline::collector::sql
