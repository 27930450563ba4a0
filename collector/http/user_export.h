#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "collector/http/body_source.h"
#include "collector/storage/archive/user_archive.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// All that is stored of a user, as NDJSON of any length: each line an object with its `kind` ("event", "attachment"
/// with its bytes in base64, "feedback", "session", "session_count", "quarantined_event", "search_name" and, when there
/// is a cold archive, "archived_event") and what the API shows of such a thing. Not thread-safe. Borrows the store, the
/// reader and what the archive borrows.
class UserExport : public BodySource {
 public:
  static Result<std::unique_ptr<UserExport>> begin(Store& store, const PayloadReader& reader, const UserSelector& user,
                                                   const std::optional<ArchiveInUse>& archive);

  /// Looks at a part of the store, or of the archive.
  Result<Piece> next() override;

  [[nodiscard]] int percent() const;

 private:
  UserExport(Store& store, std::unique_ptr<UserWalk> walk) : store_(store), walk_(std::move(walk)) {}
  Status add_stored(Piece& piece);
  Status add_archived(Piece& piece);

  Store& store_;
  std::unique_ptr<UserWalk> walk_;          ///< null when it is through
  std::optional<UserArchiveWalk> archive_;  ///< what comes then
  int percent_ = 0;                         ///< of the store
};

}  // namespace trapline::collector
