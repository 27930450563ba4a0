#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/items.h"
#include "collector/storage/sql/attachment_contents.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// What storing items needs no transaction for: the content of their attachments, none for the others.
std::vector<PlacedContent> place_files(std::span<const StoredItem> items, const AttachmentContents& contents);

/// ItemStore on one connection; `files` as place_files() gave them. Throws Refusal "file_gone" when it is to be called
/// again.
void append_items(Connection& connection, std::span<const StoredItem> items, std::span<const PlacedContent> files,
                  const AttachmentContents& contents, UnixMillis now);
Page<StoredItem> find_items(Connection& connection, const ItemQuery& query, const AttachmentContents& contents);
std::vector<StoredItem> find_attachments(Connection& connection, ProjectId project, std::string_view event_id,
                                         bool with_bytes, const AttachmentContents& contents);
/// What people wrote about the event.
std::vector<StoredItem> find_reports(Connection& connection, ProjectId project, std::string_view event_id,
                                     const AttachmentContents& contents);
std::optional<StoredItem> find_attachment(Connection& connection, ProjectId project, std::string_view item_id,
                                          const AttachmentContents& contents);

}  // namespace trapline::collector::sql
