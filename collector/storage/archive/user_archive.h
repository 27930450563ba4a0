#pragma once

/// What the cold archive has of one user (user_rights.h). It has no index of them: all of it is read.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "collector/storage/archive/object_store.h"
#include "collector/storage/sealing.h"
#include "collector/storage/user_rights.h"

namespace trapline::collector {

/// An archive that may have events of the user. Borrows all.
struct ArchiveInUse {
  ObjectStore& objects;
  const Sealer& sealer;
  std::mutex* turn = nullptr;  ///< held by who uses the archive; null: in this process nobody else does
  /// Called in turn before events are erased: what is about to be archived may have some of them.
  std::function<void()> before_erasing = [] {};
};

struct ArchivedOfUser {
  std::map<ProjectId, std::int64_t> events;
  std::int64_t unreadable = 0;  ///< events whose payload is damaged, so that nobody knows whose they are: they stay
  std::vector<core::Error> left_out;  ///< of days that are damaged, or sealed with a key that was not given
};

/// Called before each day with the part that is done; false breaks it off.
using ArchiveProgress = std::function<bool(int percent)>;

/// Writes the days that have events of the user anew, without them; `is_dry`: only counts. Not while another process
/// archives the same day. To be called again when it was broken off, or killed. Errors: "broken_off", and those of
/// rewrite_day().
core::Result<ArchivedOfUser> erase_from_archive(const ArchiveInUse& archive, const UserSelector& user,
                                                const PayloadReader& reader, bool is_dry,
                                                const ArchiveProgress& on_progress);

/// Hands on each event of the user. Errors as above, and what `take` answers.
core::Status walk_archive(const ArchiveInUse& archive, const UserSelector& user, const PayloadReader& reader,
                          const std::function<core::Status(const StoredEvent&)>& take,
                          const ArchiveProgress& on_progress);

}  // namespace trapline::collector
