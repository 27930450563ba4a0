#pragma once

/// What the cold archive has of one user (user_rights.h). It has no index of them: all of it is read.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "collector/storage/archive/day_manifest.h"
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

/// Goes through what the archive has, an object at a time. Not thread-safe. Borrows what ArchiveInUse does, and the
/// reader.
class UserArchiveWalk {
 public:
  UserArchiveWalk(ArchiveInUse archive, UserSelector user, const PayloadReader& reader)
      : archive_(std::move(archive)), user_(std::move(user)), reader_(reader) {}

  /// Hands on each event of the user in the next object. False: there is none any more. Errors:
  /// "archive_changed" (a day was rewritten meanwhile: ask once more), those of reading, and what `take` answers.
  core::Result<bool> walk_on(const std::function<core::Status(const StoredEvent&)>& take);

  [[nodiscard]] int percent() const;

 private:
  core::Result<bool> find_object();
  [[nodiscard]] bool was_rewritten() const;

  ArchiveInUse archive_;
  UserSelector user_;
  const PayloadReader& reader_;
  std::optional<std::vector<std::int64_t>> days_;
  std::size_t next_day_ = 0;
  std::optional<DayManifest> manifest_;  ///< of the day at hand
  std::size_t next_object_ = 0;
};

}  // namespace trapline::collector
