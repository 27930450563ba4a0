#pragma once

#include <vector>

#include "collector/ingest/spooled_request.h"
#include "collector/storage/items.h"

namespace trapline::collector {

/// Understands an item as its client meant it: one record, several where the item is a list, none when what makes it
/// one is missing (a session without an id). Texts are shortened to what is ever shown. Takes the item's bytes.
std::vector<StoredItem> read_item(SpooledItem item);

}  // namespace trapline::collector
