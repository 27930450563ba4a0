#pragma once

#include <string_view>

namespace trapline::collector {

/// What is done with an envelope item.
enum class ItemHandling {
  kDigest,  ///< an event: spooled, digested, stored
  kIgnore,  ///< accepted, so that the client is content, counted, and not kept
};

/// How items of a type are handled, and the name they are counted by: the type itself when it is a published one, else
/// "unknown", so that clients cannot make the list of counters grow.
struct ItemType {
  std::string_view counted_as;
  ItemHandling handling;
};

ItemType item_type(std::string_view type);

}  // namespace trapline::collector
