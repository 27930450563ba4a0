#pragma once

#include <cstdint>
#include <functional>

#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Moves the index of what events say, which each engine keeps in its own way: as words in their order, a week in one
/// transaction. Weeks that the target has are done. `tell` is called with the texts of each week that is. Throws
/// Refusal ("differs") when the two have not the same number of texts in the end, and what `tell` throws.
void copy_texts(Connection& source, Connection& target, const std::function<void(std::int64_t texts)>& tell);

/// How many there are.
std::int64_t count_texts(Connection& connection);

}  // namespace trapline::collector::sql
