#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// What storing items needs no lock for: their files compressed, empty texts for the others.
std::vector<std::string> pack_files(std::span<const StoredItem> items);

/// ItemStore on one connection; `files` as pack_files() gave them.
void append_items(Connection& connection, std::span<const StoredItem> items, std::span<const std::string> files);
Page<StoredItem> find_items(Connection& connection, const ItemQuery& query);
std::vector<StoredItem> find_attachments(Connection& connection, ProjectId project, std::string_view event_id,
                                         bool with_bytes);
std::optional<StoredItem> find_attachment(Connection& connection, ProjectId project, std::string_view item_id);

}  // namespace trapline::collector::sql
