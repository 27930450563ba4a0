#pragma once

#include <span>

#include "collector/digest/settings_cache.h"
#include "collector/storage/items.h"
#include "collector/storage/store.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// Removes what is private from items that are no events, as the project wants it for its events: from transactions'
/// names, from what people wrote and who they are, from files' names and jobs' settings. Who a session belongs to stays
/// tellable apart: a name that is private becomes a hash of itself. Files' bytes stay as they are. For one thread.
class ItemScrubber {
 public:
  explicit ItemScrubber(EventStore& store) : settings_(store) {}

  /// An error when a project's settings cannot be read: then nothing of the items may be stored.
  core::Status scrub(std::span<StoredItem> items);

 private:
  SettingsCache settings_;
};

}  // namespace trapline::collector
