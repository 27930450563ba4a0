#pragma once

/// Removing files that no attachment names any more (attachment_contents.h).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/storage/files/file_store.h"
#include "collector/storage/records.h"
#include "collector/storage/sql/connection.h"

namespace trapline::collector::sql {

/// Whether there are files to be looked at by sweep_released_files().
bool has_released_files(Connection& connection);

/// Looks at some of the files whose attachments are gone, and removes those that no other one names. False when there
/// were none.
bool sweep_released_files(Connection& connection, FileStore& files, std::int64_t most);

/// Files that no row names, and that are no longer on their way into the database.
std::vector<std::string> find_stray_files(Connection& connection, FileStore& files, UnixMillis now);

/// Removes the file of this address, in a transaction, unless a row names it.
void remove_unnamed_file(Connection& connection, FileStore& files, std::string_view address);

/// Whether a row names the file.
bool is_named(Connection& connection, std::string_view address);

/// Files that were on their way into the database are younger than this.
constexpr UnixMillis kLongestPut = UnixMillis{60} * 60 * 1'000;

}  // namespace trapline::collector::sql
