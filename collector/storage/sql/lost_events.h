#pragma once

#include <cstdint>

#include "collector/storage/records.h"
#include "collector/storage/sealing.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Gives the events of a group hash that is not there a new one, with an issue of its own, and counts them there. In
/// short transactions; what is interrupted goes on at the next try. Always true.
bool regroup_events(Connection& connection, const Sealer& sealer, std::int64_t lost_hash, UnixMillis now);

}  // namespace trapline::collector::sql
