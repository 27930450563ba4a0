#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "collector/storage/store.h"
#include "sdk/core/clock.h"

namespace trapline::collector {

/// Which project a key belongs to, without asking the database for every request. A new or revoked key takes effect
/// within five seconds. Thread-safe. Borrows the store.
class KeyDirectory {
 public:
  KeyDirectory(ProjectStore& store, const core::Clock& clock) : store_(store), clock_(clock) {}

  /// Nothing when the key is unknown.
  Result<std::optional<ProjectId>> project_of(std::string_view key);

  Result<bool> has_project(ProjectId id);

 private:
  template <class Value>
  struct Entry {
    Value value;
    std::chrono::steady_clock::time_point until;
  };

  ProjectStore& store_;
  const core::Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Entry<std::optional<ProjectId>>> projects_by_key_;
  std::unordered_map<ProjectId, Entry<bool>> known_projects_;
};

}  // namespace trapline::collector
