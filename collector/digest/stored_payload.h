#pragma once

#include <optional>

#include "collector/digest/user_key.h"
#include "collector/storage/user_rights.h"

namespace trapline::collector {

/// Reads events that are stored already once more. Any thread.
class StoredPayloadReader final : public PayloadReader {
 public:
  /// `user_key`: what the names of private users of sessions were hashed with; none: those are not found.
  explicit StoredPayloadReader(std::optional<UserKey> user_key) : user_key_(user_key) {}

  [[nodiscard]] UserFields read_user(std::string_view payload) const override;
  void read_facts(DigestedEvent& event) const override;
  [[nodiscard]] std::string session_user(ProjectId project, std::string_view user) const override;

 private:
  std::optional<UserKey> user_key_;
};

}  // namespace trapline::collector
