#pragma once

#include <cstdint>
#include <memory>

#include "collector/http/body_source.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// All that is stored of a user, as NDJSON of any length: each line an object with its `kind` ("event", "attachment"
/// with its bytes in base64, "feedback", "session", "session_count", "quarantined_event", "search_name") and what the
/// API shows of such a thing. Not thread-safe. Borrows the store and the reader.
class UserExport : public BodySource {
 public:
  static Result<std::unique_ptr<UserExport>> begin(Store& store, const PayloadReader& reader, const UserSelector& user);

  /// Looks at a part of the store.
  Result<Piece> next() override;

  /// Written so far.
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] int percent() const { return percent_; }

 private:
  UserExport(Store& store, std::unique_ptr<UserWalk> walk) : store_(store), walk_(std::move(walk)) {}

  Store& store_;
  std::unique_ptr<UserWalk> walk_;
  std::int64_t rows_ = 0;
  int percent_ = 0;
};

}  // namespace trapline::collector
