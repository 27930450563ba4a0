#pragma once

#include <vector>

#include "collector/ingest/spooled_request.h"
#include "collector/storage/items.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Understands an item as its client meant it: one record, several where the item is a list, none when what makes it
/// one is missing (a session without an id). Texts are shortened to what is ever shown. Takes the item's bytes.
std::vector<StoredItem> read_item(SpooledItem item);

/// Whether an item that is no attachment has what makes it one, to be asked before it is accepted. Error:
/// "invalid_item", saying what is missing. `part` holds JSON that is an object.
core::Status check_item(const RequestPart& part);

}  // namespace trapline::collector
