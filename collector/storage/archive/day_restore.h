#pragma once

/// Brings days back from the cold archive, and takes lines out of it.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "collector/storage/archive/day_manifest.h"
#include "collector/storage/store.h"
#include "collector/storage/user_rights.h"

namespace trapline::collector {

struct RestoreRequest {
  std::int64_t day = 0;
  std::optional<std::string> project;  ///< by the name that it had, or has; nothing: all
  UnixMillis kept_until = 0;           ///< until then retention leaves the day alone
  /// Tells what events are searched by beside their tags. Borrowed; null: they are not found by their users.
  const PayloadReader* reader = nullptr;
  /// Bytes of objects, each of which is read twice. Called now and then; false breaks the restore off.
  std::function<bool(std::uint64_t done, std::uint64_t total)> on_progress = [](std::uint64_t, std::uint64_t) {
    return true;
  };
};

/// Stores the day's events again. All objects are compared with the manifest before the first event is stored. Broken
/// off at any instant, it goes on where it was when it is called again: what is there is passed over. An event goes to
/// the project that has the name its own had, or else its number. Errors: "not_in_archive", "no_such_project" when one
/// of the projects is not there, "archive_damaged", "missing_key", "broken_off", "day_leaving", those of ObjectStore
/// and of the store.
core::Result<RestoreOutcome> restore_day(Store& store, ObjectStore& objects, const Sealer& sealer,
                                         const RestoreRequest& request);

struct RewriteOutcome {
  std::int64_t removed = 0;   ///< events
  std::size_t rewritten = 0;  ///< objects
};

/// Takes events out of a day of the archive: those that `is_removed` names, whole as they are given to it. Objects that
/// have one are written anew under new names, then the manifest, and then the old ones are removed; killed in between,
/// it is to be called again, and takes what is left away. What is written is sealed with the sealer's first key. Not
/// while the day is being archived. Errors as above; a damaged object stays, and is an error, since nobody can tell
/// what is in it.
core::Result<RewriteOutcome> rewrite_day(ObjectStore& objects, const Sealer& sealer, std::int64_t day,
                                         const std::function<bool(const StoredEvent&)>& is_removed);

}  // namespace trapline::collector
