#pragma once

#include <span>

#include "collector/storage/records.h"
#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// EventStore::append() on one connection.
AppendOutcome append_events(Connection& connection, std::span<const DigestedEvent> batch);

}  // namespace trapline::collector::sqlite
