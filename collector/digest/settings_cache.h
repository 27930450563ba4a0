#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "collector/digest/digest_settings.h"
#include "collector/storage/store.h"

namespace trapline::collector {

/// The projects' settings as digestion asks for them: read again when they are older than some seconds, so that a
/// change takes effect without a restart. Settings that cannot be read (only a newer version could have written them)
/// are told once and stand as the defaults. Not thread-safe; what it hands out may be shared.
class SettingsCache {
 public:
  explicit SettingsCache(EventStore& store) : store_(store) {}

  core::Result<std::shared_ptr<const DigestSettings>> find(ProjectId project);

 private:
  struct Entry {
    std::shared_ptr<const DigestSettings> settings;
    std::string text;
    std::chrono::steady_clock::time_point read_at;
  };
  EventStore& store_;
  std::map<ProjectId, Entry> entries_;
};

}  // namespace trapline::collector
