#pragma once

/// The one table of envelope item types: what is kept, and what is accepted and counted but not kept.

#include <optional>
#include <span>
#include <string_view>

#include "collector/storage/items.h"

namespace trapline::collector {

/// `kept_as` is empty for types that are not kept: the client is told success, so that it is content, and the item is
/// counted. `counted_as` is the type itself when it is a published one, else "unknown", so that clients cannot make the
/// list of counters grow.
struct ItemType {
  std::string_view counted_as;
  std::optional<ItemKind> kept_as;
};

ItemType item_type(std::string_view type);

/// All published types, by name.
std::span<const ItemType> item_types();

}  // namespace trapline::collector
