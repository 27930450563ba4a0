#pragma once

#include <cstdint>
#include <span>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Within a transaction: deletes the events of these rows of `event`, as far as they are there, with their files, and
/// lowers what their hashes and issues say of kept events. Counts of what happened stay. Answers how many there were.
std::int64_t erase_events(Connection& connection, std::span<const std::int64_t> rows);

/// Within a transaction: so many events of the hash are not kept any more.
void lower_kept(Connection& connection, std::int64_t hash, std::int64_t count);

}  // namespace trapline::collector::sql
