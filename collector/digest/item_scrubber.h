#pragma once

#include <span>
#include <string>
#include <string_view>

#include "collector/digest/settings_cache.h"
#include "collector/digest/user_key.h"
#include "collector/storage/items.h"
#include "collector/storage/store.h"
#include "sdk/core/result.h"

namespace trapline::collector {

/// The name of a private user of the project's sessions: tells them apart, and nobody without the key whose it is.
std::string hidden_session_user(const UserKey& user_key, ProjectId project, std::string_view user);

/// Removes what is private from items that are no events, as the project wants it for its events: from transactions'
/// names, from what people wrote and who they are, from files' names and jobs' settings. Who a session belongs to stays
/// tellable apart: a name that is private becomes a keyed hash of itself. Files' bytes stay as they are. For one
/// thread.
class ItemScrubber {
 public:
  ItemScrubber(EventStore& store, const UserKey& user_key) : settings_(store), user_key_(user_key) {}

  /// An error when a project's settings cannot be read: then nothing of the items may be stored.
  core::Status scrub(std::span<StoredItem> items);

 private:
  SettingsCache settings_;
  UserKey user_key_;
};

}  // namespace trapline::collector
