#pragma once

/// What was indexed of texts before schema version 17: two tables a day (text_index_DAY, text_row_DAY, in the list
/// text_day).

#include "collector/storage/sqlite/connection.h"

namespace trapline::collector::sqlite {

/// Adds those days to their weeks (text_index.h), each in a transaction of its own, so that what is broken off is gone
/// on with at the next start. A day of a million texts takes about ten seconds.
void take_over_old_texts(Connection& connection);

}  // namespace trapline::collector::sqlite
